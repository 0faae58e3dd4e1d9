#include "shard/tests/crash/order.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace shard::bank {
namespace {

struct Node {
  std::set<std::string> after;  // what follows it directly
  std::size_t before = 0;       // how many do so to it and are not taken yet
};
using Graph = std::map<std::string, Node>;

Graph MakeGraph(const std::vector<std::vector<std::string>>& orders) {
  Graph graph;
  for (const auto& order : orders) {
    for (std::size_t i = 0; i < order.size(); ++i) {
      Node& node = graph[order[i]];
      if (i + 1 == order.size()) continue;
      if (node.after.insert(order[i + 1]).second) ++graph[order[i + 1]].before;
    }
  }
  return graph;
}

// Takes away all that stand before the circles, if any.
void TakeFirsts(Graph& graph) {
  std::vector<std::string> free;
  for (const auto& [name, node] : graph) {
    if (node.before == 0) free.push_back(name);
  }
  while (!free.empty()) {
    const auto first = graph.find(free.back());
    free.pop_back();
    for (const std::string& next : first->second.after) {
      if (--graph[next].before == 0) free.push_back(next);
    }
    graph.erase(first);
  }
}

// Backwards from any of those left: each has another before it.
std::vector<std::string> Walk(const Graph& graph) {
  std::map<std::string, std::string> one_before;
  for (const auto& [name, node] : graph) {
    for (const std::string& next : node.after) one_before[next] = name;
  }
  std::vector<std::string> path = {graph.begin()->first};
  while (true) {
    const std::string& next = one_before[path.back()];
    const auto seen = std::find(path.begin(), path.end(), next);
    if (seen != path.end()) {
      std::vector<std::string> circle(seen, path.end());
      std::reverse(circle.begin(), circle.end());
      return circle;
    }
    path.push_back(next);
  }
}

}  // namespace

std::vector<std::string> FindCircle(
    const std::vector<std::vector<std::string>>& orders) {
  Graph graph = MakeGraph(orders);
  TakeFirsts(graph);
  return graph.empty() ? std::vector<std::string>() : Walk(graph);
}

}  // namespace shard::bank

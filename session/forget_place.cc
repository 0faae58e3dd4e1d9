#include "shard/session/forget_place.h"

#include "shard/router/bind_request.h"
#include "shard/session/attribute.h"
#include "shard/session/mapping.h"
#include "shard/session/object_key_reader.h"

namespace shard {

void ForgetPlace(BindResolver& resolver, EntityBase& object) {
  AttributeBase* attributes[kMostFields];
  object.mapping().Attributes(object, attributes);
  ObjectKeyReader reader(object, attributes);
  BindRequest request;
  request.class_info = &object.mapping().class_info();
  request.object = &reader;
  request.operation = Operation::kRefresh;
  resolver.Forget(request);
}

}  // namespace shard

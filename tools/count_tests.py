"""Counts the test cases of a `bazel test` from its build event file; prints "N passed, N failed".

A test that failed without saying which case (it did not build, crashed, timed out, or a sanitizer ended it) counts as
one failed. Usage: count_tests.py EVENTS BAZEL_EXIT_CODE; exits with 1 when anything failed.
"""

import json
import sys
import urllib.parse
import urllib.request
import xml.etree.ElementTree


def count_cases(uri):
    """(passed, failed, skipped) of one test.xml."""
    passed = failed = skipped = 0
    path = urllib.request.url2pathname(urllib.parse.urlparse(uri).path)
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.get("status") == "notrun" or case.get("result") in ("skipped", "suppressed"):
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def main():
    attempts = {}  # the last attempt of each test
    unfinished = set()
    with open(sys.argv[1], encoding="utf-8") as events:
        for event in map(json.loads, events):
            if "testResult" in event:
                key = event["id"]["testResult"]
                attempts[key["label"], key.get("run"), key.get("shard")] = event["testResult"]
            elif "testSummary" in event:
                unfinished.add(event["id"]["testSummary"]["label"])
            elif event.get("id", {}).get("targetCompleted") and not event.get("completed", {}).get("success"):
                unfinished.add(event["id"]["targetCompleted"]["label"])
    passed = failed = skipped = 0
    for (label, _, _), result in attempts.items():
        unfinished.discard(label)
        uris = [output["uri"] for output in result.get("testActionOutput", []) if output["name"] == "test.xml"]
        try:
            counts = count_cases(uris[0])
        except (IndexError, OSError, xml.etree.ElementTree.ParseError):
            counts = (0, 0, 0)
        passed, failed, skipped = (sum(pair) for pair in zip((passed, failed, skipped), counts))
        if result["status"] not in ("PASSED", "FLAKY") and counts[1] == 0:
            failed += 1
    failed += len(unfinished)
    if sys.argv[2] != "0" and failed == 0:
        failed = 1
    if skipped:
        print(f"{skipped} skipped")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

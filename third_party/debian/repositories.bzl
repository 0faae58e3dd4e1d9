"""Upstream's Bazel labels over the libraries that Debian has installed.

BUILD files say @com_google_absl//absl/status:statusor as they would anywhere; these repositories make such a label
a cc_library that only links what pkg-config names. Headers come from the compiler's own /usr/include.
"""

_ABSEIL = {
    "absl/algorithm": {"algorithm": "absl_algorithm", "container": "absl_algorithm_container"},
    "absl/base": {
        "base": "absl_base",
        "config": "absl_config",
        "core_headers": "absl_core_headers",
        "dynamic_annotations": "absl_dynamic_annotations",
        "endian": "absl_endian",
        "log_severity": "absl_log_severity",
    },
    "absl/cleanup": {"cleanup": "absl_cleanup"},
    "absl/container": {
        "btree": "absl_btree",
        "fixed_array": "absl_fixed_array",
        "flat_hash_map": "absl_flat_hash_map",
        "flat_hash_set": "absl_flat_hash_set",
        "inlined_vector": "absl_inlined_vector",
        "node_hash_map": "absl_node_hash_map",
        "node_hash_set": "absl_node_hash_set",
    },
    "absl/debugging": {
        "failure_signal_handler": "absl_failure_signal_handler",
        "leak_check": "absl_leak_check",
        "stacktrace": "absl_stacktrace",
        "symbolize": "absl_symbolize",
    },
    "absl/flags": {
        "flag": "absl_flags",
        "parse": "absl_flags_parse",
        "reflection": "absl_flags_reflection",
        "usage": "absl_flags_usage",
    },
    "absl/functional": {
        "any_invocable": "absl_any_invocable",
        "bind_front": "absl_bind_front",
        "function_ref": "absl_function_ref",
    },
    "absl/hash": {"hash": "absl_hash"},
    "absl/memory": {"memory": "absl_memory"},
    "absl/meta": {"type_traits": "absl_type_traits"},
    "absl/numeric": {"bits": "absl_bits", "int128": "absl_int128"},
    "absl/random": {
        "bit_gen_ref": "absl_random_bit_gen_ref",
        "distributions": "absl_random_distributions",
        "random": "absl_random_random",
    },
    "absl/status": {"status": "absl_status", "statusor": "absl_statusor"},
    "absl/strings": {
        "cord": "absl_cord",
        "str_format": "absl_str_format",
        "strings": "absl_strings",
    },
    "absl/synchronization": {"synchronization": "absl_synchronization"},
    "absl/time": {"time": "absl_time"},
    "absl/types": {
        "any": "absl_any",
        "compare": "absl_compare",
        "optional": "absl_optional",
        "span": "absl_span",
        "variant": "absl_variant",
    },
    "absl/utility": {"utility": "absl_utility"},
}

_BUILD_HEAD = """\
load("@rules_cc//cc:defs.bzl", "cc_library")

package(default_visibility = ["//visibility:public"])
"""

_LIBRARY = """
cc_library(
    name = "{name}",
    hdrs = {hdrs},
    includes = {includes},
    linkopts = {linkopts},
)
"""

def _linkopts(ctx, module):
    """What pkg-config says about a module; "-lname" stands for a library that has no module of its own."""
    libs = module
    if not module.startswith("-l"):
        result = ctx.execute(["pkg-config", "--libs", module])
        if result.return_code != 0:
            fail("%s: system library '%s' is missing: run tools/install_dependencies.sh" % (ctx.name, module))
        libs = result.stdout
    flags = [flag for flag in libs.strip().split(" ") if flag]

    # --as-needed: only the libraries that a program really uses are loaded when it starts.
    return ["-Wl,--push-state,--as-needed"] + flags + ["-Wl,--pop-state"] if flags else []

def _debian_library_impl(ctx):
    for header, target in ctx.attr.headers.items():
        ctx.file(header, "#include <%s>  // IWYU pragma: export\n" % target, executable = False)
    build_files = {}
    for label, module in ctx.attr.libraries.items():
        package, _, name = label.rpartition(":")
        build_files[package] = build_files.get(package, _BUILD_HEAD) + _LIBRARY.format(
            name = name,
            hdrs = sorted(ctx.attr.headers),
            includes = ["."] if ctx.attr.headers else [],
            linkopts = _linkopts(ctx, module),
        )
    for package, content in build_files.items():
        ctx.file((package + "/" if package else "") + "BUILD.bazel", content, executable = False)

debian_library = repository_rule(
    implementation = _debian_library_impl,
    attrs = {
        "headers": attr.string_dict(doc = "forwarding header -> header below /usr/include, if a consumer's path is not that"),
        "libraries": attr.string_dict(doc = "package:target -> pkg-config module", mandatory = True),
    },
    doc = "A repository of libraries that are installed on the system.",
    environ = ["PKG_CONFIG_PATH"],
    local = True,
)

def _debian_build_tools_impl(ctx):
    for path, content in ctx.attr.files.items():
        ctx.file(path, content, executable = False)
    for path, label in ctx.attr.links.items():
        ctx.symlink(Label(label), path)

_debian_build_tools = repository_rule(
    implementation = _debian_build_tools_impl,
    attrs = {"files": attr.string_dict(), "links": attr.string_dict()},
    local = True,
)

def _maybe(rule, name, **kwargs):
    if not native.existing_rule(name):  # the workspace's own choice goes first
        rule(name = name, **kwargs)

def debian_libraries():
    """Every library that ShardSession builds on, from the system, but for those that are declared already."""
    _maybe(debian_library, name = "libcsv", libraries = {":libcsv": "-lcsv"})
    _maybe(debian_library, name = "libpq", headers = {"libpq-fe.h": "postgresql/libpq-fe.h"}, libraries = {":libpq": "libpq"})
    _maybe(debian_library, name = "libpqxx", libraries = {":libpqxx": "libpqxx"})
    _maybe(debian_library, name = "sqlite3", libraries = {":sqlite3": "sqlite3"})
    _maybe(debian_library, name = "sqlitecpp", libraries = {":sqlitecpp": "-lSQLiteCpp -lsqlite3"})
    _maybe(
        debian_library,
        name = "com_google_absl",
        libraries = {
            package + ":" + name: module
            for package, targets in _ABSEIL.items()
            for name, module in targets.items()
        },
    )
    _maybe(
        debian_library,
        name = "com_google_googletest",
        libraries = {":gtest": "gmock", ":gtest_main": "gmock_main"},  # as upstream: both hold GoogleMock too
    )
    _maybe(
        debian_library,
        name = "com_github_google_benchmark",
        libraries = {":benchmark": "benchmark", ":benchmark_main": "-lbenchmark_main -lbenchmark"},
    )
    _maybe(debian_library, name = "nlohmann_json", libraries = {":json": "nlohmann_json"})
    _maybe(debian_library, name = "xxhash", libraries = {":xxhash": "libxxhash"})

def debian_bazel():
    """The repositories that Debian's Bazel 4.2.3 would otherwise download for itself."""
    _maybe(native.local_repository, name = "rules_java", path = "/usr/share/bazel/rules/java")
    _maybe(
        _debian_build_tools,
        name = "rules_cc",
        files = {"BUILD.bazel": "", "cc/BUILD.bazel": ""},
        links = {"cc/defs.bzl": str(Label("//third_party/debian:rules_cc.bzl"))},
    )
    _maybe(
        _debian_build_tools,
        name = "remote_coverage_tools",
        files = {"BUILD.bazel": """\
filegroup(
    name = "coverage_report_generator",
    visibility = ["//visibility:public"],
)
"""},
    )

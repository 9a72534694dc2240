#!/usr/bin/env python3
"""Makes the .meta files that Unity wants beside every file and folder of the package.

    metas.py            writes those that are missing or wrong, and removes those of nothing
    metas.py --check    fails if there are any such

The GUID of a file comes from its path in the package, so it is the same wherever it is made. A file that moves gets
another one: that breaks references in projects, so move with care.
"""

import argparse
import hashlib
import pathlib
import sys

PACKAGE = pathlib.Path(__file__).resolve().parent.parent
NAME = "com.netcode.unity"
HIDDEN_BUT_IMPORTED = "Samples~"        # copied into projects with its .meta files

# Native libraries are put there by package.py and are not committed; their .meta files are.
PLUGINS = {
    "Android/arm64-v8a/libnetcode.so": ("Android", {"CPU": "ARM64"}),
    "Android/armeabi-v7a/libnetcode.so": ("Android", {"CPU": "ARMv7"}),
    "Android/x86_64/libnetcode.so": ("Android", {"CPU": "X86_64"}),
    "iOS/libnetcode.a": ("iPhone", {"AddToEmbeddedBinaries": "false", "CPU": "AnyCPU"}),
    "Linux/x86_64/libnetcode.so": ("Linux64", {"CPU": "x86_64"}),
    "macOS/libnetcode.dylib": ("OSXUniversal", {"CPU": "AnyCPU"}),
    "Windows/x86/netcode.dll": ("Win", {"CPU": "x86"}),
    "Windows/x86_64/netcode.dll": ("Win64", {"CPU": "x86_64"}),
}
PLUGIN_FOLDER = "Runtime/Plugins"
ALL_PLATFORMS = ["Android", "iPhone", "Linux64", "OSXUniversal", "Win", "Win64"]
EXCLUDED_NAMES = {"iPhone": "iOS"}
# What the editor runs on, for the plugins that it can load itself.
EDITOR = {"Linux64": ("Linux", "x86_64"), "OSXUniversal": ("OSX", "AnyCPU"), "Win64": ("Windows", "x86_64")}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    wanted = all_metas()
    guids = [text.splitlines()[1] for text in wanted.values()]
    if len(set(guids)) != len(guids):
        sys.exit("metas.py: two files have one GUID")
    problems = [f"{name} is missing or wrong" for name, text in wanted.items() if read(PACKAGE / name) != text]
    strays = [path for path in PACKAGE.rglob("*.meta") if path.relative_to(PACKAGE).as_posix() not in wanted]
    problems += [f"{path.relative_to(PACKAGE)} is of nothing" for path in strays]
    if options.check:
        if problems:
            sys.exit("\n".join(problems) + "\nrun make unity-generate")
        return
    for path in strays:
        path.unlink()
    for name, text in wanted.items():
        (PACKAGE / name).parent.mkdir(parents=True, exist_ok=True)
        (PACKAGE / name).write_text(text, encoding="utf-8", newline="\n")


def all_metas():
    """Texts by the path of the .meta file in the package."""
    files = [path.relative_to(PACKAGE) for path in PACKAGE.rglob("*") if path.is_file() and is_imported(path.relative_to(PACKAGE))]
    files += [pathlib.PurePosixPath(PLUGIN_FOLDER, plugin) for plugin in PLUGINS]
    names = {file.as_posix() for file in files}
    names |= {parent.as_posix() for file in files for parent in file.parents if parent.as_posix() not in (".", HIDDEN_BUT_IMPORTED)}
    return {f"{name}.meta": meta(name) for name in sorted(names)}


def is_imported(path):
    """What Unity takes in: neither what begins with a dot nor what ends with a tilde."""
    parts = path.parts[1:] if path.parts[0] == HIDDEN_BUT_IMPORTED else path.parts
    return bool(parts) and path.suffix not in (".meta", ".pyc") \
        and not any(part.startswith(".") or part.endswith("~") or part == "__pycache__" for part in parts)


def meta(name):
    plugin = name[len(PLUGIN_FOLDER) + 1:] if name.startswith(PLUGIN_FOLDER + "/") else ""
    if plugin in PLUGINS:
        importer = plugin_importer(*PLUGINS[plugin])
    elif any(parent.startswith(f"{plugin}/") for parent in PLUGINS) or (PACKAGE / name).is_dir() or name == PLUGIN_FOLDER:
        importer = "folderAsset: yes\nDefaultImporter:\n  externalObjects: {}\n" + END
    elif name.endswith(".cs"):
        importer = ("MonoImporter:\n  externalObjects: {}\n  serializedVersion: 2\n  defaultReferences: []\n"
                    "  executionOrder: 0\n  icon: {instanceID: 0}\n" + END)
    elif name.endswith(".asmdef"):
        importer = "AssemblyDefinitionImporter:\n  externalObjects: {}\n" + END
    elif name == "package.json":
        importer = "PackageManifestImporter:\n  externalObjects: {}\n" + END
    elif name.endswith(".md"):
        importer = "TextScriptImporter:\n  externalObjects: {}\n" + END
    else:
        importer = "DefaultImporter:\n  externalObjects: {}\n" + END
    return f"fileFormatVersion: 2\nguid: {guid(name)}\n{importer}"


END = "  userData: \n  assetBundleName: \n  assetBundleVariant: \n"


def guid(name):
    return hashlib.md5(f"{NAME}/{name}".encode()).hexdigest()


def plugin_importer(platform, settings):
    lines = ["PluginImporter:", "  externalObjects: {}", "  serializedVersion: 2", "  iconMap: {}", "  executionOrder: {}",
             "  defineConstraints: []", "  isPreloaded: 0", "  isOverridable: 0", "  isExplicitlyReferenced: 0",
             "  validateReferences: 1", "  platformData:"]
    excluded = {f"Exclude {EXCLUDED_NAMES.get(other, other)}": int(other != platform) for other in ALL_PLATFORMS}
    excluded["Exclude Editor"] = int(platform not in EDITOR)
    lines += platform_data("", "Any", False, excluded)
    lines += platform_data("Any", "", False, {})
    os_name, cpu = EDITOR.get(platform, ("AnyOS", "AnyCPU"))
    lines += platform_data("Editor", "Editor", platform in EDITOR, {"CPU": cpu, "DefaultValueInitialized": "true", "OS": os_name})
    group = {"Android": "Android", "iPhone": "iPhone"}.get(platform, "Standalone")
    lines += platform_data(group, EXCLUDED_NAMES.get(platform, platform), True, settings)
    return "\n".join(lines) + "\n" + END


def platform_data(group, platform, enabled, settings):
    lines = ["  - first:", f"      {group or chr(39) * 2}: {platform}".rstrip(), "    second:", f"      enabled: {int(enabled)}"]
    if not settings:
        return lines + ["      settings: {}"]
    return lines + ["      settings:"] + [f"        {key}: {value}" for key, value in sorted(settings.items())]


def read(path):
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return None


if __name__ == "__main__":
    main()

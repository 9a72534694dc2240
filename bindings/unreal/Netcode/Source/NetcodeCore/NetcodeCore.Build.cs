// Not compiled with the engine: UnrealBuildTool has not seen this file.
//
// The part of the plugin that needs no engine: headers only, tested by bindings/unreal/tests.

using System.IO;
using UnrealBuildTool;

public class NetcodeCore : ModuleRules
{
	public NetcodeCore(ReadOnlyTargetRules Target) : base(Target)
	{
		Type = ModuleType.External;
		PublicSystemIncludePaths.Add(Path.Combine(ModuleDirectory, "include"));
		PublicDependencyModuleNames.Add("NetcodeLibrary");
	}
}

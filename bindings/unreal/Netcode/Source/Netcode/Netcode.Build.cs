// Not compiled with the engine: UnrealBuildTool has not seen this file.

using UnrealBuildTool;

public class Netcode : ModuleRules
{
	public Netcode(ReadOnlyTargetRules Target) : base(Target)
	{
		PCHUsage = PCHUsageMode.UseExplicitOrSharedPCHs;
		CppStandard = CppStandardVersion.Default;
		bEnableExceptions = false;
		PublicDependencyModuleNames.AddRange(new string[] { "Core", "CoreUObject", "Engine" });
		PrivateDependencyModuleNames.AddRange(new string[] { "Projects", "NetcodeCore", "NetcodeLibrary" });
	}
}

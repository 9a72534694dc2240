// Not compiled with the engine: UnrealBuildTool has not seen this file.
//
// The library itself. `make unreal-package` puts include/ and lib/ beside this file.

using System.IO;
using UnrealBuildTool;

public class NetcodeLibrary : ModuleRules
{
	public NetcodeLibrary(ReadOnlyTargetRules Target) : base(Target)
	{
		Type = ModuleType.External;
		PublicSystemIncludePaths.Add(Path.Combine(ModuleDirectory, "include"));

		// Assertions of netcode.h would need a variable of the library, and variables of a delay-loaded DLL cannot be used.
		PublicDefinitions.Add("NETCODE_RELEASE=1");

		if (Target.Platform == UnrealTargetPlatform.Win64)
		{
			// The module loads the DLL itself, in FNetcodeModule::StartupModule.
			string Dll = Library("Win64", "netcode.dll");
			PublicAdditionalLibraries.Add(Library("Win64", "netcode.dll.lib"));
			PublicDelayLoadDLLs.Add("netcode.dll");
			RuntimeDependencies.Add("$(PluginDir)/Binaries/ThirdParty/NetcodeLibrary/Win64/netcode.dll", Dll);
		}
		else if (Target.Platform == UnrealTargetPlatform.Mac)
		{
			PublicAdditionalLibraries.Add(Library("Mac", "libnetcode.a"));
		}
		else if (Target.Platform == UnrealTargetPlatform.IOS)
		{
			PublicAdditionalLibraries.Add(Library("IOS", "libnetcode.a"));
		}
		else if (Target.Platform == UnrealTargetPlatform.Android)
		{
			// The build tool takes those whose directory is named after the architecture that it builds.
			PublicAdditionalLibraries.Add(Library("Android/arm64-v8a", "libnetcode.a"));
			PublicAdditionalLibraries.Add(Library("Android/x86_64", "libnetcode.a"));
		}
		else if (Target.Platform == UnrealTargetPlatform.LinuxArm64)
		{
			PublicAdditionalLibraries.Add(Library("LinuxArm64", "libnetcode.a"));
		}
		else if (Target.Platform == UnrealTargetPlatform.Linux)
		{
			PublicAdditionalLibraries.Add(Library("Linux", "libnetcode.a"));
		}
		else
		{
			throw new BuildException("netcode: no library for " + Target.Platform);
		}
	}

	string Library(string Place, string Name)
	{
		return Path.Combine(ModuleDirectory, "lib", Place, Name);
	}
}

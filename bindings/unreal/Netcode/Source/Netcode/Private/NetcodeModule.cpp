// Not compiled with the engine: only against the stand-ins in bindings/unreal/tests/stubs.

#include "NetcodeModule.h"

#include "HAL/PlatformProcess.h"
#include "Interfaces/IPluginManager.h"
#include "Misc/Paths.h"

#include "NetcodeCoreIncludes.h"

DEFINE_LOG_CATEGORY(LogNetcode);

bool FNetcodeModule::bLoaded = false;

void FNetcodeModule::StartupModule()
{
#if PLATFORM_WINDOWS
	// The DLL is not where Windows looks for it, so it is loaded before the first call leads to it.
	const TSharedPtr<IPlugin> Plugin = IPluginManager::Get().FindPlugin(TEXT("Netcode"));
	const FString Directory = Plugin.IsValid() ? Plugin->GetBaseDir() : FString();
	const FString Path = FPaths::Combine(Directory, TEXT("Binaries/ThirdParty/NetcodeLibrary/Win64/netcode.dll"));
	Dll = FPlatformProcess::GetDllHandle(*Path);
	if (!Dll)
	{
		UE_LOG(LogNetcode, Error, TEXT("%s cannot be loaded"), *Path);
		return;
	}
#endif
	bLoaded = true;
	netcode::set_log_function([](const char* Text) { UE_LOG(LogNetcode, Log, TEXT("%s"), UTF8_TO_TCHAR(Text)); });
	netcode::set_log_level(netcode::log_level::error);
}

void FNetcodeModule::ShutdownModule()
{
	if (bLoaded)
	{
		// The function goes away with this module.
		netcode::set_log_function(nullptr);
	}
	bLoaded = false;
	if (Dll)
	{
		FPlatformProcess::FreeDllHandle(Dll);
		Dll = nullptr;
	}
}

bool FNetcodeModule::IsLibraryLoaded()
{
	return bLoaded;
}

IMPLEMENT_MODULE(FNetcodeModule, Netcode)

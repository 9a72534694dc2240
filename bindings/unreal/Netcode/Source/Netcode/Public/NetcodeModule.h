// Not compiled with the engine: only against the stand-ins in bindings/unreal/tests/stubs.

#pragma once

#include "CoreMinimal.h"
#include "Modules/ModuleManager.h"

NETCODE_API DECLARE_LOG_CATEGORY_EXTERN(LogNetcode, Log, All);

/** Loads the library. */
class NETCODE_API FNetcodeModule : public IModuleInterface
{
public:
	virtual void StartupModule() override;
	virtual void ShutdownModule() override;

	/** Whether the library has been found. Without it, clients do not connect and servers do not start. */
	static bool IsLibraryLoaded();

private:
	static bool bLoaded;
	void* Dll = nullptr;
};

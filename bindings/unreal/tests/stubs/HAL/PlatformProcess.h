#pragma once

#include "CoreMinimal.h"

// Loads nothing: the tests are linked with the library.
inline bool stub_dll_found = true;
inline int32 stub_dlls_loaded = 0;
struct FPlatformProcess
{
    static void * GetDllHandle( const TCHAR * ) { return stub_dll_found ? ( stub_dlls_loaded++, &stub_dlls_loaded ) : nullptr; }
    static void FreeDllHandle( void * ) { stub_dlls_loaded--; }
};

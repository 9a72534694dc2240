#pragma once

#include "CoreMinimal.h"

struct FPaths
{
    static FString Combine( const FString & a, const TCHAR * b ) { return ( std::wstring( *a ) + L"/" + b ).c_str(); }
};

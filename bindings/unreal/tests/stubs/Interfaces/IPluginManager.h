#pragma once

#include "CoreMinimal.h"

class IPlugin
{
public:
    FString GetBaseDir() const { return TEXT( "Plugins/Netcode" ); }
};

class IPluginManager
{
public:
    static IPluginManager & Get() { static IPluginManager manager; return manager; }
    TSharedPtr<IPlugin> FindPlugin( const FString & ) { return MakeShared<IPlugin>(); }
};

#pragma once

class IModuleInterface
{
public:
    virtual ~IModuleInterface() = default;
    virtual void StartupModule() {}
    virtual void ShutdownModule() {}
};

#define IMPLEMENT_MODULE( type, name ) IModuleInterface & stub_module_##name() { static type module; return module; }

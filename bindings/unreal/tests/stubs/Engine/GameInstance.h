#pragma once

#include "CoreMinimal.h"
#include "Subsystems/GameInstanceSubsystem.h"

// One address for each class, as there is no RTTI.
template <class T> inline char stub_class_of = 0;

class UGameInstance : public UObject
{
public:
    ~UGameInstance() override
    {
        for ( const auto & one : subsystems_ )
            one.second->Deinitialize();
    }
    template <class T> T * GetSubsystem() const
    {
        for ( const auto & one : subsystems_ )
            if ( one.first == &stub_class_of<T> )
                return static_cast<T *>( one.second.get() );
        FSubsystemCollectionBase collection;
        T * const made = new T;
        subsystems_.emplace_back( &stub_class_of<T>, std::unique_ptr<UGameInstanceSubsystem>( made ) );
        made->Initialize( collection );
        return made;
    }

private:
    mutable std::vector<std::pair<const char *, std::unique_ptr<UGameInstanceSubsystem>>> subsystems_;
};

#pragma once

#include "CoreMinimal.h"
#include "Engine/GameInstance.h"

// Has a game of its own that the tests can reach.
class AActor : public UObject
{
public:
    virtual void BeginPlay() {}
    UGameInstance * GetGameInstance() const { return stub_game; }
    UGameInstance * stub_game = nullptr;
};

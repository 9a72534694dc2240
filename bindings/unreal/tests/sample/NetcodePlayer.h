#pragma once

#include "CoreMinimal.h"
#include "Engine/GameInstance.h"
#include "GameFramework/Actor.h"
#include "NetcodeClientSubsystem.h"
#include "NetcodePlayer.generated.h"

UCLASS()
class ANetcodePlayer : public AActor
{
	GENERATED_BODY()

public:
	UPROPERTY()
	TArray<uint8> Token;    // 2048 bytes from your backend, over HTTPS

	UPROPERTY()
	int32 Received = 0;

	virtual void BeginPlay() override
	{
		Super::BeginPlay();
		Client = GetGameInstance()->GetSubsystem<UNetcodeClientSubsystem>();
		Client->OnConnected.AddDynamic(this, &ANetcodePlayer::Connected);
		Client->OnPacket.AddDynamic(this, &ANetcodePlayer::Packet);
		Client->Connect(Token);
	}

private:
	UFUNCTION()
	void Connected(int32 Slot, int32 Slots) { Client->Send({ 1, 2, 3 }); }    // 1 to 1200 bytes, unreliable

	UFUNCTION()
	void Packet(const TArray<uint8>& Data) { Received += Data.Num(); }

	UPROPERTY()
	UNetcodeClientSubsystem* Client = nullptr;
};

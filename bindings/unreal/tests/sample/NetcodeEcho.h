#pragma once

#include "CoreMinimal.h"
#include "Engine/GameInstance.h"
#include "GameFramework/Actor.h"
#include "NetcodeServerSubsystem.h"
#include "NetcodeEcho.generated.h"

UCLASS()
class ANetcodeEcho : public AActor
{
	GENERATED_BODY()

public:
	UPROPERTY()
	TArray<uint8> PrivateKey;    // 32 bytes, shared with your backend; never in what players get

	virtual void BeginPlay() override
	{
		Super::BeginPlay();
		Server = GetGameInstance()->GetSubsystem<UNetcodeServerSubsystem>();
		Server->OnPacket.AddDynamic(this, &ANetcodeEcho::Packet);
		Server->Start(TEXT("127.0.0.1:40000"), 16, 7, PrivateKey);    // address and protocol id as in the tokens
	}

private:
	UFUNCTION()
	void Packet(int32 Slot, const TArray<uint8>& Data) { Server->Send(Slot, Data); }

	UPROPERTY()
	UNetcodeServerSubsystem* Server = nullptr;
};

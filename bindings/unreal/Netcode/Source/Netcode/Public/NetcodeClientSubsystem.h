// Not compiled with the engine: only against the stand-ins in bindings/unreal/tests/stubs.

#pragma once

#include "CoreMinimal.h"
#include "Containers/Ticker.h"
#include "Subsystems/GameInstanceSubsystem.h"

#include "NetcodeClientSubsystem.generated.h"

/** Where a client stands. */
UENUM(BlueprintType)
enum class ENetcodeClientPhase : uint8
{
	Idle,
	Connecting,
	Connected
};

/** Why a client is not, or no longer, connected. */
UENUM(BlueprintType)
enum class ENetcodeClientEnd : uint8
{
	None,
	Left,
	ServerLeft,
	TimedOut,
	NoAnswer,
	ServerFull,
	TokenExpired,
	TokenInvalid,
	NoSocket
};

DECLARE_DYNAMIC_MULTICAST_DELEGATE_TwoParams(FNetcodeClientConnected, int32, Slot, int32, Slots);
DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FNetcodeClientDisconnected, ENetcodeClientEnd, End);
DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FNetcodeClientPacket, const TArray<uint8>&, Data);

/** The client of a game. It ticks by itself, also while the game is paused; delegates are called on the game thread. */
UCLASS()
class NETCODE_API UNetcodeClientSubsystem : public UGameInstanceSubsystem
{
	GENERATED_BODY()

public:
	virtual void Initialize(FSubsystemCollectionBase& Collection) override;
	virtual void Deinitialize() override;

	/** Begins to connect with a token of 2048 bytes from your backend. OnConnected or OnDisconnected tells how it went. */
	UFUNCTION(BlueprintCallable, Category = "Netcode|Client")
	bool Connect(const TArray<uint8>& Token);

	/** Disconnects, and closes the socket. */
	UFUNCTION(BlueprintCallable, Category = "Netcode|Client")
	void Disconnect();

	/** Sends 1 to 1200 bytes, at once, without any promise that they arrive. False if that cannot be. */
	UFUNCTION(BlueprintCallable, Category = "Netcode|Client")
	bool Send(const TArray<uint8>& Data);

	UFUNCTION(BlueprintPure, Category = "Netcode|Client")
	ENetcodeClientPhase GetPhase() const;

	/** The slot on the server, while connected; else 0. */
	UFUNCTION(BlueprintPure, Category = "Netcode|Client")
	int32 GetSlot() const;

	/** Where the socket is opened: [::]:0 for servers with IPv6 addresses. */
	UPROPERTY(BlueprintReadWrite, Category = "Netcode|Client")
	FString LocalAddress = TEXT("0.0.0.0:0");

	UPROPERTY(BlueprintAssignable, Category = "Netcode|Client")
	FNetcodeClientConnected OnConnected;

	UPROPERTY(BlueprintAssignable, Category = "Netcode|Client")
	FNetcodeClientDisconnected OnDisconnected;

	/** A packet. The array is reused: copy what you keep. */
	UPROPERTY(BlueprintAssignable, Category = "Netcode|Client")
	FNetcodeClientPacket OnPacket;

private:
	bool Tick(float DeltaSeconds);

	// Shared, so that it lives on until the call that led to a delegate has returned.
	TSharedPtr<class FNetcodeClientImpl> Impl;
	FTSTicker::FDelegateHandle Ticker;
};

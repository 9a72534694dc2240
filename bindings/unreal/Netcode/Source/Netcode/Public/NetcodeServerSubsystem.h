// Not compiled with the engine: only against the stand-ins in bindings/unreal/tests/stubs.

#pragma once

#include "CoreMinimal.h"
#include "Containers/Ticker.h"
#include "Subsystems/GameInstanceSubsystem.h"

#include "NetcodeServerSubsystem.generated.h"

/** Why a client is gone. */
UENUM(BlueprintType)
enum class ENetcodeServerReason : uint8
{
	None,
	TimedOut,
	ClientLeft,
	Kicked
};

DECLARE_DYNAMIC_MULTICAST_DELEGATE_TwoParams(FNetcodeServerClientConnected, int32, Slot, int64, ClientId);
DECLARE_DYNAMIC_MULTICAST_DELEGATE_ThreeParams(FNetcodeServerClientDisconnected, int32, Slot, int64, ClientId, ENetcodeServerReason, Reason);
DECLARE_DYNAMIC_MULTICAST_DELEGATE_TwoParams(FNetcodeServerPacket, int32, Slot, const TArray<uint8>&, Data);

/** The server of a game. It ticks by itself, also while the game is paused; delegates are called on the game thread. */
UCLASS()
class NETCODE_API UNetcodeServerSubsystem : public UGameInstanceSubsystem
{
	GENERATED_BODY()

public:
	virtual void Initialize(FSubsystemCollectionBase& Collection) override;
	virtual void Deinitialize() override;

	/** Starts at the public address that is in connect tokens, with 1 to 256 slots and a key of 32 bytes, which belongs on
	    servers and the backend only. Not from this server's delegates. */
	UFUNCTION(BlueprintCallable, Category = "Netcode|Server")
	bool Start(const FString& Address, int32 Slots, int64 ProtocolId, const TArray<uint8>& PrivateKey);

	/** Sends all clients away, and closes the socket. */
	UFUNCTION(BlueprintCallable, Category = "Netcode|Server")
	void Stop();

	/** Sends 1 to 1200 bytes to the client in a slot, at once, without any promise that they arrive. */
	UFUNCTION(BlueprintCallable, Category = "Netcode|Server")
	bool Send(int32 Slot, const TArray<uint8>& Data);

	/** Sends to all clients but the one in a slot. Returns to how many. */
	UFUNCTION(BlueprintCallable, Category = "Netcode|Server")
	int32 Broadcast(const TArray<uint8>& Data, int32 ExceptSlot = -1);

	/** Sends the client in a slot away. */
	UFUNCTION(BlueprintCallable, Category = "Netcode|Server")
	void Kick(int32 Slot);

	UFUNCTION(BlueprintPure, Category = "Netcode|Server")
	bool IsRunning() const;

	UFUNCTION(BlueprintPure, Category = "Netcode|Server")
	int32 GetNumConnected() const;

	/** The id of the client in a slot; 0 if there is none. */
	UFUNCTION(BlueprintPure, Category = "Netcode|Server")
	int64 GetClientId(int32 Slot) const;

	/** Makes a connect token. Your backend does this; a server may, while there is none. It can be used for 30 seconds. */
	UFUNCTION(BlueprintCallable, Category = "Netcode|Server")
	static bool MakeToken(const FString& Address, int64 ClientId, int64 ProtocolId, const TArray<uint8>& PrivateKey, TArray<uint8>& Token);

	UPROPERTY(BlueprintAssignable, Category = "Netcode|Server")
	FNetcodeServerClientConnected OnClientConnected;

	UPROPERTY(BlueprintAssignable, Category = "Netcode|Server")
	FNetcodeServerClientDisconnected OnClientDisconnected;

	/** A packet. The array is reused: copy what you keep. */
	UPROPERTY(BlueprintAssignable, Category = "Netcode|Server")
	FNetcodeServerPacket OnPacket;

private:
	bool Tick(float DeltaSeconds);

	// Shared, so that it lives on until the call that led to a delegate has returned.
	TSharedPtr<class FNetcodeServerImpl> Impl;
	FTSTicker::FDelegateHandle Ticker;
};

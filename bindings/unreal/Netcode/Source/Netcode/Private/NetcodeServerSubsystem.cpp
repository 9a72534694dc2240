// Not compiled with the engine: only against the stand-ins in bindings/unreal/tests/stubs.

#include "NetcodeServerSubsystem.h"

#include "HAL/PlatformTime.h"

#include "NetcodeCoreIncludes.h"
#include "NetcodeModule.h"

namespace
{

ENetcodeServerReason ToEngine(netcode::disconnect_reason Reason)
{
	switch (Reason)
	{
		case netcode::disconnect_reason::none: return ENetcodeServerReason::None;
		case netcode::disconnect_reason::timed_out: return ENetcodeServerReason::TimedOut;
		case netcode::disconnect_reason::client_disconnect: return ENetcodeServerReason::ClientLeft;
		case netcode::disconnect_reason::server_disconnect: return ENetcodeServerReason::Kicked;
	}
	return ENetcodeServerReason::None;
}

bool CopyKey(const TArray<uint8>& From, netcode::key& To)
{
	if (static_cast<std::size_t>(From.Num()) != To.size())
	{
		UE_LOG(LogNetcode, Error, TEXT("a private key has 32 bytes, not %d"), From.Num());
		return false;
	}
	FMemory::Memcpy(To.data(), From.GetData(), To.size());
	return true;
}

} // namespace

class FNetcodeServerImpl final : public netcode_core::server_listener
{
public:
	explicit FNetcodeServerImpl(UNetcodeServerSubsystem& InOwner) : Session(*this), Owner(&InOwner) {}

	virtual void on_client_connected(int Slot, std::uint64_t ClientId) override
	{
		Owner->OnClientConnected.Broadcast(Slot, static_cast<int64>(ClientId));
	}

	virtual void on_client_disconnected(int Slot, std::uint64_t ClientId, netcode::disconnect_reason Reason) override
	{
		Owner->OnClientDisconnected.Broadcast(Slot, static_cast<int64>(ClientId), ToEngine(Reason));
	}

	virtual void on_packet(int Slot, const std::uint8_t* Data, std::size_t Size, std::uint64_t) override
	{
		Packet.Reset();
		Packet.Append(Data, static_cast<int32>(Size));
		Owner->OnPacket.Broadcast(Slot, Packet);
	}

	netcode_core::server_session Session;

private:
	UNetcodeServerSubsystem* Owner;
	TArray<uint8> Packet;
};

void UNetcodeServerSubsystem::Initialize(FSubsystemCollectionBase& Collection)
{
	Super::Initialize(Collection);
	if (!FNetcodeModule::IsLibraryLoaded())
	{
		return;
	}
	Impl = MakeShared<FNetcodeServerImpl>(*this);
	Ticker = FTSTicker::GetCoreTicker().AddTicker(FTickerDelegate::CreateUObject(this, &UNetcodeServerSubsystem::Tick));
}

void UNetcodeServerSubsystem::Deinitialize()
{
	FTSTicker::GetCoreTicker().RemoveTicker(Ticker);
	Stop();
	Impl.Reset();
	Super::Deinitialize();
}

bool UNetcodeServerSubsystem::Start(const FString& Address, int32 Slots, int64 ProtocolId, const TArray<uint8>& PrivateKey)
{
	const TSharedPtr<FNetcodeServerImpl> Alive = Impl;
	netcode_core::server_settings Settings;
	if (!Alive.IsValid() || !CopyKey(PrivateKey, Settings.private_key))
	{
		return false;
	}
	const FTCHARToUTF8 PublicAddress(*Address);
	Settings.address = PublicAddress.Get();
	Settings.slots = Slots;
	Settings.protocol_id = static_cast<std::uint64_t>(ProtocolId);
	const netcode_core::server_start Result = Alive->Session.start(Settings, FPlatformTime::Seconds());
	netcode::detail::wipe(Settings.private_key.data(), Settings.private_key.size());
	if (Result != netcode_core::server_start::started)
	{
		UE_LOG(LogNetcode, Error, TEXT("the server did not start: %s"), UTF8_TO_TCHAR(netcode_core::to_string(Result)));
	}
	return Result == netcode_core::server_start::started;
}

void UNetcodeServerSubsystem::Stop()
{
	const TSharedPtr<FNetcodeServerImpl> Alive = Impl;
	if (Alive.IsValid())
	{
		Alive->Session.stop();
	}
}

bool UNetcodeServerSubsystem::Send(int32 Slot, const TArray<uint8>& Data)
{
	return Impl.IsValid() && Impl->Session.send(Slot, Data.GetData(), static_cast<std::size_t>(Data.Num()));
}

int32 UNetcodeServerSubsystem::Broadcast(const TArray<uint8>& Data, int32 ExceptSlot)
{
	return Impl.IsValid() ? Impl->Session.broadcast(Data.GetData(), static_cast<std::size_t>(Data.Num()), ExceptSlot) : 0;
}

void UNetcodeServerSubsystem::Kick(int32 Slot)
{
	const TSharedPtr<FNetcodeServerImpl> Alive = Impl;
	if (Alive.IsValid())
	{
		Alive->Session.kick(Slot);
	}
}

bool UNetcodeServerSubsystem::IsRunning() const
{
	return Impl.IsValid() && Impl->Session.running();
}

int32 UNetcodeServerSubsystem::GetNumConnected() const
{
	return Impl.IsValid() ? Impl->Session.num_connected() : 0;
}

int64 UNetcodeServerSubsystem::GetClientId(int32 Slot) const
{
	return Impl.IsValid() ? static_cast<int64>(Impl->Session.client_id(Slot)) : 0;
}

bool UNetcodeServerSubsystem::MakeToken(const FString& Address, int64 ClientId, int64 ProtocolId, const TArray<uint8>& PrivateKey, TArray<uint8>& Token)
{
	netcode::connect_token_config Wanted;
	Token.Reset();
	if (!FNetcodeModule::IsLibraryLoaded() || !CopyKey(PrivateKey, Wanted.private_key))
	{
		return false;
	}
	const FTCHARToUTF8 PublicAddress(*Address);
	Wanted.servers = PublicAddress.Get();
	Wanted.client_id = static_cast<std::uint64_t>(ClientId);
	Wanted.protocol_id = static_cast<std::uint64_t>(ProtocolId);
	const netcode::library Library;
	const std::optional<netcode::connect_token> Made = netcode::connect_token::generate(Wanted);
	netcode::detail::wipe(Wanted.private_key.data(), Wanted.private_key.size());
	if (Made)
	{
		Token.Append(Made->data(), static_cast<int32>(Made->size()));
	}
	return Made.has_value();
}

bool UNetcodeServerSubsystem::Tick(float)
{
	const TSharedPtr<FNetcodeServerImpl> Alive = Impl;
	if (Alive.IsValid())
	{
		Alive->Session.tick(FPlatformTime::Seconds());
	}
	return true;
}

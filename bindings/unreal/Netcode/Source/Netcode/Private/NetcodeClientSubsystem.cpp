// Not compiled with the engine: only against the stand-ins in bindings/unreal/tests/stubs.

#include "NetcodeClientSubsystem.h"

#include "HAL/PlatformTime.h"

#include "NetcodeCoreIncludes.h"
#include "NetcodeModule.h"

namespace
{

ENetcodeClientEnd ToEngine(netcode_core::client_end End)
{
	switch (End)
	{
		case netcode_core::client_end::none: return ENetcodeClientEnd::None;
		case netcode_core::client_end::left: return ENetcodeClientEnd::Left;
		case netcode_core::client_end::server_left: return ENetcodeClientEnd::ServerLeft;
		case netcode_core::client_end::timed_out: return ENetcodeClientEnd::TimedOut;
		case netcode_core::client_end::no_answer: return ENetcodeClientEnd::NoAnswer;
		case netcode_core::client_end::server_full: return ENetcodeClientEnd::ServerFull;
		case netcode_core::client_end::token_expired: return ENetcodeClientEnd::TokenExpired;
		case netcode_core::client_end::token_invalid: return ENetcodeClientEnd::TokenInvalid;
		case netcode_core::client_end::no_socket: return ENetcodeClientEnd::NoSocket;
	}
	return ENetcodeClientEnd::None;
}

} // namespace

class FNetcodeClientImpl final : public netcode_core::client_listener
{
public:
	explicit FNetcodeClientImpl(UNetcodeClientSubsystem& InOwner) : Session(*this), Owner(&InOwner) {}

	virtual void on_connected(int Slot, int Slots) override
	{
		Owner->OnConnected.Broadcast(Slot, Slots);
	}

	virtual void on_disconnected(netcode_core::client_end End) override
	{
		Owner->OnDisconnected.Broadcast(ToEngine(End));
	}

	virtual void on_packet(const std::uint8_t* Data, std::size_t Size, std::uint64_t) override
	{
		Packet.Reset();
		Packet.Append(Data, static_cast<int32>(Size));
		Owner->OnPacket.Broadcast(Packet);
	}

	netcode_core::client_session Session;

private:
	UNetcodeClientSubsystem* Owner;
	TArray<uint8> Packet;
};

void UNetcodeClientSubsystem::Initialize(FSubsystemCollectionBase& Collection)
{
	Super::Initialize(Collection);
	if (!FNetcodeModule::IsLibraryLoaded())
	{
		return;
	}
	Impl = MakeShared<FNetcodeClientImpl>(*this);
	Ticker = FTSTicker::GetCoreTicker().AddTicker(FTickerDelegate::CreateUObject(this, &UNetcodeClientSubsystem::Tick));
}

void UNetcodeClientSubsystem::Deinitialize()
{
	FTSTicker::GetCoreTicker().RemoveTicker(Ticker);
	Disconnect();
	Impl.Reset();
	Super::Deinitialize();
}

bool UNetcodeClientSubsystem::Connect(const TArray<uint8>& Token)
{
	const TSharedPtr<FNetcodeClientImpl> Alive = Impl;
	if (!Alive.IsValid())
	{
		return false;
	}
	const FTCHARToUTF8 Address(*LocalAddress);
	netcode_core::client_settings Settings;
	Settings.local_address = Address.Get();
	return Alive->Session.connect(Token.GetData(), static_cast<std::size_t>(Token.Num()), FPlatformTime::Seconds(), Settings);
}

void UNetcodeClientSubsystem::Disconnect()
{
	const TSharedPtr<FNetcodeClientImpl> Alive = Impl;
	if (Alive.IsValid())
	{
		Alive->Session.close();
	}
}

bool UNetcodeClientSubsystem::Send(const TArray<uint8>& Data)
{
	return Impl.IsValid() && Impl->Session.send(Data.GetData(), static_cast<std::size_t>(Data.Num()));
}

ENetcodeClientPhase UNetcodeClientSubsystem::GetPhase() const
{
	if (!Impl.IsValid())
	{
		return ENetcodeClientPhase::Idle;
	}
	switch (Impl->Session.phase())
	{
		case netcode_core::client_phase::idle: return ENetcodeClientPhase::Idle;
		case netcode_core::client_phase::connecting: return ENetcodeClientPhase::Connecting;
		case netcode_core::client_phase::connected: return ENetcodeClientPhase::Connected;
	}
	return ENetcodeClientPhase::Idle;
}

int32 UNetcodeClientSubsystem::GetSlot() const
{
	return Impl.IsValid() ? Impl->Session.slot() : 0;
}

bool UNetcodeClientSubsystem::Tick(float)
{
	const TSharedPtr<FNetcodeClientImpl> Alive = Impl;
	if (Alive.IsValid())
	{
		Alive->Session.tick(FPlatformTime::Seconds());
	}
	return true;
}

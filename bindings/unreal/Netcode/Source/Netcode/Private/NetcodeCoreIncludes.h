// Not compiled with the engine: only against the stand-ins in bindings/unreal/tests/stubs.
//
// The core, with the engine's warnings off. No public header includes this: games see engine types only.

#pragma once

#include "CoreMinimal.h"

THIRD_PARTY_INCLUDES_START
#include "netcode_core/client_session.hpp"
#include "netcode_core/server_session.hpp"
THIRD_PARTY_INCLUDES_END

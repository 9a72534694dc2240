#include "game.h"
#if __has_include( <netcode.hpp> )
#include <netcode.hpp>
#endif

int main()
{
    return game_run( "C++" );
}

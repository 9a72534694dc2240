#include "game.h"
#include <netcode.hpp>

/* A client by the C++ header, and the game by that of C. */
int main()
{
    const netcode::library library;
    const auto created = netcode::client::create( "127.0.0.1:0", {}, netcode::time() );
    if ( !library || !created || created->port() == 0 )
    {
        printf( "C++: NO CLIENT: %s\n", to_string( created.error ) );
        return 1;
    }
    return game_run( "C++" );
}

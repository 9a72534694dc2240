#include "../consumer/game.h"

int game( void );

int game( void )
{
    return game_run( "a library" );
}

#include "game.h"

int main( void )
{
    return game_run( "C" );
}

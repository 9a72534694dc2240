/* A plugin that has the static library inside, out of sight of its host and of other plugins. */
#include "game.h"

#define EXPORT __attribute__( ( visibility( "default" ) ) )

static int lines;

static int count_line( const char * format, ... )
{
    (void) format;
    return ++lines;
}

EXPORT int plugin_run( void );
EXPORT int plugin_log_level( int level );

int plugin_run( void )
{
    return game_run( PLUGIN_NAME );
}

/* How many lines the library in this plugin has to say at the level. */
int plugin_log_level( int level )
{
    lines = 0;
    netcode_set_printf_function( count_line );
    netcode_log_level( level );
    game_run( PLUGIN_NAME );
    netcode_log_level( NETCODE_LOG_LEVEL_NONE );
    return lines;
}

/*
 * A host with a library of its own that loads plugins, uses them, and unloads them again: host PLUGIN...
 * What is set in one library must not show in the others.
 */
#include "game.h"
#include <dlfcn.h>

typedef int ( *run_t )( void );
typedef int ( *log_level_t )( int );

static int lines;

static int count_line( const char * format, ... )
{
    (void) format;
    return ++lines;
}

static int use( const char * path )
{
    void * plugin = dlopen( path, RTLD_NOW | RTLD_LOCAL );
    run_t run = NULL;
    log_level_t log_level = NULL;
    int failed;
    if ( plugin )
    {
        *(void **) &run = dlsym( plugin, "plugin_run" );
        *(void **) &log_level = dlsym( plugin, "plugin_log_level" );
    }
    if ( !run || !log_level )
    {
        printf( "%s: %s\n", path, dlerror() );
        return 1;
    }
    failed = run();
    if ( log_level( NETCODE_LOG_LEVEL_DEBUG ) == 0 )
        failed = printf( "the plugin's library says nothing\n" );
    if ( dlclose( plugin ) != 0 )
        failed = printf( "the plugin cannot be unloaded: %s\n", dlerror() );
    return failed;
}

int main( int argc, char ** argv )
{
    int i, failed = 0;
    netcode_set_printf_function( count_line );
    for ( i = 1; i < argc; i++ )
        failed += use( argv[i] );
    if ( lines != 0 )
        failed = printf( "%d lines of the plugins came to the host\n", lines );
    netcode_log_level( NETCODE_LOG_LEVEL_DEBUG );
    failed += game_run( "host" );
    if ( lines == 0 )
        failed = printf( "the host's library says nothing\n" );
    if ( !failed )
        printf( "%d plugins and the host, each its own library\n", argc - 1 );
    return failed ? 1 : 0;
}

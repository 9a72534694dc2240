/* Sets the assert hook in the library, and calls it through the variable that the library exports. */
#define NETCODE_DEBUG
#include <netcode.h>

static int calls;

static void count_call( const char * condition, const char * function, const char * file, int line )
{
    (void) condition;
    (void) function;
    (void) file;
    calls += line > 0;
}

int main( void )
{
    netcode_set_assert_function( count_call );
    netcode_assert( calls == 1 );
    return calls == 1 ? 0 : 1;
}

/*
 * The little that every test program needs: named tests, checks that go on, and a summary.
 *
 *     static void a_token_with_no_servers_is_refused( void ) { CHECK( ... ); }
 *
 *     int main( int argc, char ** argv )
 *     {
 *         tests_begin( argc, argv );
 *         TEST( a_token_with_no_servers_is_refused );
 *         return tests_done();
 *     }
 *
 * Every program links against the public header only, is compiled as C99 and as C++17, and prints
 * one line a test. With an argument it runs only the tests whose name contains it.
 */
#ifndef NETCODE_C_TEST_H
#define NETCODE_C_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lines that begin so are shown by run.py --figures. */
#define FIGURES "figures: "

static int test_checks, test_failed_checks, tests_run, tests_failed;
static const char * test_filter;

#define CHECK( condition ) test_check( !!( condition ), #condition, __FILE__, __LINE__ )

/* CHECK for integers: says both values when they differ. */
#define CHECK_EQUAL( actual, expected ) \
    test_check_equal( (long long) ( actual ), (long long) ( expected ), #actual, #expected, __FILE__, __LINE__ )

/* A failed REQUIRE ends the test function it stands in, which must return void. */
#define REQUIRE( condition ) do { if ( !CHECK( condition ) ) return; } while ( 0 )

#define TEST( function ) test_run( #function, function )

/* A test in which one key seals twice under one nonce, as the protocol makes it in the documented cases: one token
   on several servers, in several clients, or on a restarted server that it outlives. Left out when the library that
   is tested ends the program for it. */
#ifdef NETCODE_TEST_NONCE_AUDIT
#define TEST_REPEATING_NONCES( function ) ( (void) function, printf( "left out " #function "\n" ) )
#else
#define TEST_REPEATING_NONCES( function ) TEST( function )
#endif

static inline int test_check( int ok, const char * text, const char * file, int line )
{
    test_checks++;
    if ( !ok )
    {
        test_failed_checks++;
        if ( test_failed_checks <= 50 )
            printf( "    %s:%d: failed: %s\n", file, line, text );
    }
    return ok;
}

static inline int test_check_equal( long long actual, long long expected, const char * actual_text, const char * expected_text, const char * file, int line )
{
    if ( actual == expected )
        return test_check( 1, actual_text, file, line );
    printf( "    %s is %lld, %s is %lld\n", actual_text, actual, expected_text, expected );
    return test_check( 0, actual_text, file, line );
}

static inline void test_run( const char * name, void (*function)( void ) )
{
    int failed_before = test_failed_checks, checks_before = test_checks;
    if ( test_filter && !strstr( name, test_filter ) )
        return;
    function();
    tests_run++;
    if ( test_checks == checks_before )
        test_check( 0, "the test checked something", name, 0 );
    if ( test_failed_checks != failed_before )
        tests_failed++;
    printf( "%s %s\n", test_failed_checks == failed_before ? "ok    " : "FAILED", name );
    fflush( stdout );
}

static inline void tests_begin( int argc, char ** argv )
{
    if ( argc > 1 )
        test_filter = argv[1];
}

static inline int tests_done( void )
{
    printf( "%d tests, %d failed, %d checks\n", tests_run, tests_failed, test_checks );
    return tests_failed == 0 && tests_run > 0 ? 0 : 1;
}

#endif

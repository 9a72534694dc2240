/*
 * For programs that misuse the library on purpose: an assert handler that counts and returns, and checks
 * around a call.
 *
 * The library is built with assertions or without; the Makefile says which with NETCODE_TEST_ASSERTS. A call
 * must do the same harmless thing either way. With assertions it must also say what was wrong.
 */
#ifndef NETCODE_C_TESTS_ASSERTS_H
#define NETCODE_C_TESTS_ASSERTS_H

#include <netcode.h>
#include "test.h"

#ifndef NETCODE_TEST_ASSERTS
#define NETCODE_TEST_ASSERTS 0
#endif

static int asserts_seen;
static int asserts_incomplete; /* reports without a condition, function, file or line */

static inline void count_assert( const char * condition, const char * function, const char * file, int line )
{
    asserts_seen++;
    if ( !condition || !condition[0] || !function || !function[0] || !file || !file[0] || line <= 0 )
        asserts_incomplete++;
}

/* The statement breaks a rule that the library checks: reported where assertions are on, silent where not. */
#define CHECK_MISUSE( statement ) \
    do { int before_ = asserts_seen; statement; check_asserts( before_, 1, #statement, __FILE__, __LINE__ ); } while ( 0 )

/* The statement is odd but perhaps legal: whether assertions report it is up to the library. */
#define CHECK_TOLERATED( statement ) \
    do { int before_ = asserts_seen; statement; check_asserts( before_, 0, #statement, __FILE__, __LINE__ ); } while ( 0 )

/* The statement is legal: nothing may be reported. */
#define CHECK_LEGAL( statement ) \
    do { int before_ = asserts_seen; statement; test_check( asserts_seen == before_, "legal: " #statement, __FILE__, __LINE__ ); } while ( 0 )

static inline void check_asserts( int before, int required, const char * text, const char * file, int line )
{
    if ( !NETCODE_TEST_ASSERTS && asserts_seen != before )
        printf( "    an assertion fired although the library has none\n" );
    if ( NETCODE_TEST_ASSERTS && required && asserts_seen == before )
        printf( "    no assertion fired\n" );
    test_check( NETCODE_TEST_ASSERTS ? !required || asserts_seen > before : asserts_seen == before, text, file, line );
    test_check( asserts_incomplete == 0, "assert handlers get a condition, a function, a file and a line", file, line );
}

#endif

/*
 * Addresses: parsing, printing, comparing.
 */
#include <netcode.h>
#include "test.h"
#include "asserts.h"
#include "address_vectors.h"

#define COUNT( array ) ( (int) ( sizeof( array ) / sizeof( ( array )[0] ) ) )

/* Everything but the last byte, which is padding. */
static int same_address( const struct netcode_address_t * a, const struct netcode_address_t * b )
{
    return memcmp( &a->data, &b->data, sizeof( a->data ) ) == 0 && a->port == b->port && a->type == b->type;
}

static struct netcode_address_t expected_address( const struct address_vector_t * vector )
{
    struct netcode_address_t address;
    int i;
    memset( &address, 0, sizeof( address ) );
    address.type = (uint8_t) vector->type;
    address.port = (uint16_t) vector->port;
    if ( vector->type == NETCODE_ADDRESS_IPV4 )
    {
        for ( i = 0; i < 4; i++ )
            address.data.ipv4[i] = (uint8_t) vector->parts[i];
    }
    else if ( vector->type == NETCODE_ADDRESS_IPV6 )
    {
        for ( i = 0; i < 8; i++ )
            address.data.ipv6[i] = vector->parts[i];
    }
    return address;
}

static struct netcode_address_t parsed( const char * string )
{
    struct netcode_address_t address;
    memset( &address, 0xAA, sizeof( address ) );
    CHECK_EQUAL( netcode_parse_address( string, &address ), NETCODE_OK );
    return address;
}

static void every_recorded_string_parses_or_is_refused( void )
{
    int i;
    for ( i = 0; i < COUNT( address_vectors ); i++ )
    {
        const struct address_vector_t * vector = &address_vectors[i];
        struct netcode_address_t expected = expected_address( vector );
        struct netcode_address_t address;
        int failed_before = test_failed_checks;
        memset( &address, 0xAA, sizeof( address ) );
        CHECK_EQUAL( netcode_parse_address( vector->input, &address ), vector->type == 0 ? NETCODE_ERROR : NETCODE_OK );
        CHECK_EQUAL( address.type, vector->type );
        if ( vector->type != 0 )
            CHECK( same_address( &address, &expected ) );
        if ( test_failed_checks != failed_before )
            printf( "    that was \"%s\"\n", vector->input );
    }
}

static void every_recorded_address_prints_as_recorded( void )
{
    int i;
    for ( i = 0; i < COUNT( address_vectors ); i++ )
    {
        struct netcode_address_t address = expected_address( &address_vectors[i] );
        char buffer[NETCODE_MAX_ADDRESS_STRING_LENGTH];
        if ( address.type == NETCODE_ADDRESS_NONE )
            continue;
        CHECK( netcode_address_to_string( &address, buffer ) == buffer );
        if ( !CHECK( strcmp( buffer, address_vectors[i].text ) == 0 ) )
            printf( "    \"%s\" prints as \"%s\", not as \"%s\"\n", address_vectors[i].input, buffer, address_vectors[i].text );
    }
}

static void printed_addresses_parse_back( void )
{
    int i;
    for ( i = 0; i < COUNT( address_vectors ); i++ )
    {
        struct netcode_address_t expected = expected_address( &address_vectors[i] ), address;
        if ( expected.type == NETCODE_ADDRESS_NONE )
            continue;
        address = parsed( address_vectors[i].text );
        CHECK( same_address( &address, &expected ) );
        CHECK_EQUAL( netcode_address_equal( &address, &expected ), 1 );
    }
}

static void bytes_that_the_type_does_not_use_are_zero( void )
{
    static const uint8_t zeros[16] = { 0 };
    struct netcode_address_t address = parsed( "255.255.255.255:65535" );
    CHECK( memcmp( (const uint8_t *) &address.data + 4, zeros, 12 ) == 0 );

    memset( &address, 0xAA, sizeof( address ) );
    CHECK_EQUAL( netcode_parse_address( "not an address", &address ), NETCODE_ERROR );
    CHECK_EQUAL( address.type, NETCODE_ADDRESS_NONE );
    CHECK( memcmp( &address.data, zeros, 16 ) == 0 );
}

static void ipv6_groups_are_in_host_byte_order( void )
{
    struct netcode_address_t address = parsed( "[102:304:506:708:90a:b0c:d0e:f10]:4660" );
    static const uint16_t groups[8] = { 0x102, 0x304, 0x506, 0x708, 0x90A, 0xB0C, 0xD0E, 0xF10 };
    CHECK( memcmp( address.data.ipv6, groups, sizeof( groups ) ) == 0 );
    CHECK_EQUAL( address.port, 0x1234 );
}

static void every_port_prints_and_parses( void )
{
    int port;
    for ( port = 0; port <= 65535; port += port < 300 ? 1 : 97 )
    {
        char text[64], buffer[NETCODE_MAX_ADDRESS_STRING_LENGTH];
        struct netcode_address_t address;
        snprintf( text, sizeof( text ), port ? "10.0.0.1:%d" : "10.0.0.1", port );
        address = parsed( text );
        CHECK_EQUAL( address.port, port );
        CHECK( strcmp( netcode_address_to_string( &address, buffer ), text ) == 0 );
        snprintf( text, sizeof( text ), port ? "[2001:db8::7]:%d" : "2001:db8::7", port );
        address = parsed( text );
        CHECK_EQUAL( address.port, port );
        CHECK( strcmp( netcode_address_to_string( &address, buffer ), text ) == 0 );
    }
}

static void long_strings_are_refused( void )
{
    /* 255 characters are considered; none of these is an address within them */
    static const char * starts[] = { "1.2.3.4", "1.2.3.4:80", "::1", "[::1]:80", "[", "::", "", "0" };
    static const char fillers[] = { '0', '1', ':', ' ', ']', '[', '.', 'f' };
    static const int lengths[] = { 250, 254, 255, 256, 257, 260, 300, 1024, 65536 };
    char * string = (char *) malloc( 65536 + 1 );
    int i, j, k;
    REQUIRE( string != NULL );
    for ( i = 0; i < COUNT( starts ); i++ )
    {
        for ( j = 0; j < COUNT( fillers ); j++ )
        {
            for ( k = 0; k < COUNT( lengths ); k++ )
            {
                struct netcode_address_t address;
                memset( string, fillers[j], (size_t) lengths[k] );
                memcpy( string, starts[i], strlen( starts[i] ) );
                string[lengths[k]] = '\0';
                memset( &address, 0xAA, sizeof( address ) );
                CHECK_EQUAL( netcode_parse_address( string, &address ), NETCODE_ERROR );
                CHECK_EQUAL( address.type, NETCODE_ADDRESS_NONE );
            }
        }
    }
    free( string );
}

static void every_single_wrong_character_is_harmless( void )
{
    /* any byte anywhere: accepted with a type, or refused without, never anything else */
    static const char * templates[] = { "12.34.56.78:9012", "[1a2b::3c4d]:5678", "::ffff:1.2.3.4" };
    int i, position, byte;
    for ( i = 0; i < COUNT( templates ); i++ )
    {
        for ( position = 0; position < (int) strlen( templates[i] ); position++ )
        {
            for ( byte = 1; byte < 256; byte++ )
            {
                char string[64], buffer[NETCODE_MAX_ADDRESS_STRING_LENGTH];
                struct netcode_address_t address, again;
                int result;
                snprintf( string, sizeof( string ), "%s", templates[i] );
                string[position] = (char) byte;
                result = netcode_parse_address( string, &address );
                if ( result == NETCODE_ERROR )
                {
                    CHECK_EQUAL( address.type, NETCODE_ADDRESS_NONE );
                    continue;
                }
                CHECK_EQUAL( result, NETCODE_OK );
                netcode_address_to_string( &address, buffer );
                again = parsed( buffer );
                CHECK( same_address( &address, &again ) );
            }
        }
    }
}

static void odd_brackets_are_accepted_or_refused_but_harmless( void )
{
    static const char * odd[] = { "[::1", "[::1:80", "[1.2.3.4]", "[1.2.3.4]:80", "[1.2.3.4:80", "[1.2.3.4:80]", "[1.2.3.4]:",
                                  "[1.2.3.4]:65536", "[::1]:80]", "[[1.2.3.4]", "[::1]]", "[::ffff:1.2.3.4", "[1.2.3.4]80",
                                  "[::", "[1", "[::1]:1:80", "[1.2.3.4]:80]", "[:1.2.3.4]:80" };
    int i;
    for ( i = 0; i < COUNT( odd ); i++ )
    {
        struct netcode_address_t address;
        int result;
        memset( &address, 0xAA, sizeof( address ) );
        result = netcode_parse_address( odd[i], &address );
        CHECK( result == NETCODE_OK || result == NETCODE_ERROR );
        if ( result == NETCODE_ERROR )
            CHECK_EQUAL( address.type, NETCODE_ADDRESS_NONE );
        else
            CHECK( address.type == NETCODE_ADDRESS_IPV4 || address.type == NETCODE_ADDRESS_IPV6 );
    }
}

static void no_address_prints_as_none( void )
{
    struct netcode_address_t address;
    char buffer[NETCODE_MAX_ADDRESS_STRING_LENGTH];
    memset( &address, 0, sizeof( address ) );
    CHECK( netcode_address_to_string( &address, buffer ) == buffer );
    CHECK( strcmp( buffer, "NONE" ) == 0 );
    /* whatever else is in it */
    memset( &address, 0xFF, sizeof( address ) );
    address.type = NETCODE_ADDRESS_NONE;
    CHECK( strcmp( netcode_address_to_string( &address, buffer ), "NONE" ) == 0 );
}

static void printing_stays_within_the_buffer( void )
{
    struct netcode_address_t address;
    char buffer[NETCODE_MAX_ADDRESS_STRING_LENGTH + 64];
    int i, end;
    memset( &address, 0xFF, sizeof( address ) );
    for ( address.type = NETCODE_ADDRESS_NONE; address.type <= NETCODE_ADDRESS_IPV6; address.type++ )
    {
        memset( buffer, 0x55, sizeof( buffer ) );
        netcode_address_to_string( &address, buffer );
        for ( end = 0; end < NETCODE_MAX_ADDRESS_STRING_LENGTH && buffer[end]; end++ )
            ;
        CHECK( end < NETCODE_MAX_ADDRESS_STRING_LENGTH );
        for ( i = NETCODE_MAX_ADDRESS_STRING_LENGTH; i < (int) sizeof( buffer ); i++ )
            CHECK_EQUAL( buffer[i], 0x55 );
    }
}

static void equal_looks_at_type_port_and_the_bytes_in_use( void )
{
    struct netcode_address_t a = parsed( "1.2.3.4:5" ), b = parsed( "1.2.3.4:5" ), c;
    CHECK_EQUAL( netcode_address_equal( &a, &b ), 1 );
    CHECK_EQUAL( netcode_address_equal( &a, &a ), 1 );
    b.port = 6;
    CHECK_EQUAL( netcode_address_equal( &a, &b ), 0 );
    b = parsed( "1.2.3.5:5" );
    CHECK_EQUAL( netcode_address_equal( &a, &b ), 0 );

    /* a caller fills in what a type uses and leaves garbage in the rest */
    memset( &c, 0xEE, sizeof( c ) );
    c.data.ipv4[0] = 1;
    c.data.ipv4[1] = 2;
    c.data.ipv4[2] = 3;
    c.data.ipv4[3] = 4;
    c.port = 5;
    c.type = NETCODE_ADDRESS_IPV4;
    CHECK_EQUAL( netcode_address_equal( &a, &c ), 1 );

    a = parsed( "[1:2:3:4:5:6:7:8]:9" );
    b = parsed( "[1:2:3:4:5:6:7:8]:9" );
    CHECK_EQUAL( netcode_address_equal( &a, &b ), 1 );
    b.data.ipv6[7] = 9;
    CHECK_EQUAL( netcode_address_equal( &a, &b ), 0 );
    b = parsed( "[2:2:3:4:5:6:7:8]:9" );
    CHECK_EQUAL( netcode_address_equal( &a, &b ), 0 );
    b = parsed( "1:2:3:4:5:6:7:8" );
    CHECK_EQUAL( netcode_address_equal( &a, &b ), 0 );
}

static void different_families_are_not_equal( void )
{
    struct netcode_address_t ipv4 = parsed( "1.2.3.4:5" ), mapped = parsed( "[::ffff:1.2.3.4]:5" ), disguised = ipv4;
    CHECK_EQUAL( netcode_address_equal( &ipv4, &mapped ), 0 );
    CHECK_EQUAL( netcode_address_equal( &mapped, &ipv4 ), 0 );
    disguised.type = NETCODE_ADDRESS_IPV6;
    CHECK_EQUAL( netcode_address_equal( &ipv4, &disguised ), 0 );
}

static void no_address_is_equal_to_nothing( void )
{
    struct netcode_address_t none, other = parsed( "0.0.0.0" );
    memset( &none, 0, sizeof( none ) );
    CHECK_EQUAL( netcode_address_equal( &none, &none ), 0 );
    CHECK_EQUAL( netcode_address_equal( &none, &other ), 0 );
    CHECK_EQUAL( netcode_address_equal( &other, &none ), 0 );
}

static void unknown_types_are_harmless( void )
{
    char buffer[NETCODE_MAX_ADDRESS_STRING_LENGTH];
    struct netcode_address_t address;
    int type;
    for ( type = 3; type < 256; type++ )
    {
        memset( &address, 0xCC, sizeof( address ) );
        address.type = (uint8_t) type;
        memset( buffer, 0x55, sizeof( buffer ) );
        CHECK_TOLERATED( netcode_address_to_string( &address, buffer ) );
        CHECK( memchr( buffer, 0, sizeof( buffer ) ) != NULL );
        CHECK_TOLERATED( netcode_address_equal( &address, &address ) );
    }
}

static void a_null_string_is_an_error( void )
{
    struct netcode_address_t address;
    memset( &address, 0xAA, sizeof( address ) );
    CHECK_MISUSE( CHECK_EQUAL( netcode_parse_address( NULL, &address ), NETCODE_ERROR ) );
    CHECK_EQUAL( address.type, NETCODE_ADDRESS_NONE );
}

static void null_addresses_and_buffers_are_harmless( void )
{
    struct netcode_address_t address = parsed( "1.2.3.4:5" );
    char buffer[NETCODE_MAX_ADDRESS_STRING_LENGTH];
    CHECK_MISUSE( CHECK_EQUAL( netcode_parse_address( "1.2.3.4:5", NULL ), NETCODE_ERROR ) );
    CHECK_MISUSE( CHECK_EQUAL( netcode_parse_address( NULL, NULL ), NETCODE_ERROR ) );
    CHECK_MISUSE( CHECK_EQUAL( netcode_address_equal( NULL, &address ), 0 ) );
    CHECK_MISUSE( CHECK_EQUAL( netcode_address_equal( &address, NULL ), 0 ) );
    CHECK_MISUSE( CHECK_EQUAL( netcode_address_equal( NULL, NULL ), 0 ) );
    CHECK_MISUSE( CHECK( netcode_address_to_string( &address, NULL ) == NULL ) );
    memset( buffer, 0, sizeof( buffer ) );
    CHECK_MISUSE( netcode_address_to_string( NULL, buffer ) );
    CHECK( strcmp( buffer, "NONE" ) == 0 || buffer[0] == '\0' );
}

int main( int argc, char ** argv )
{
    tests_begin( argc, argv );
    netcode_set_assert_function( count_assert );
    netcode_init();
    TEST( every_recorded_string_parses_or_is_refused );
    TEST( every_recorded_address_prints_as_recorded );
    TEST( printed_addresses_parse_back );
    TEST( bytes_that_the_type_does_not_use_are_zero );
    TEST( ipv6_groups_are_in_host_byte_order );
    TEST( every_port_prints_and_parses );
    TEST( long_strings_are_refused );
    TEST( every_single_wrong_character_is_harmless );
    TEST( odd_brackets_are_accepted_or_refused_but_harmless );
    TEST( no_address_prints_as_none );
    TEST( printing_stays_within_the_buffer );
    TEST( equal_looks_at_type_port_and_the_bytes_in_use );
    TEST( different_families_are_not_equal );
    TEST( no_address_is_equal_to_nothing );
    TEST( unknown_types_are_harmless );
    TEST( a_null_string_is_an_error );
    TEST( null_addresses_and_buffers_are_harmless );
    netcode_term();
    return tests_done();
}

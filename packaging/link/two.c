/* A program with netcode and other libraries in it: another one in Rust, and libsodium and OpenSSL. */
#include "game.h"

#ifdef WITH_OTHER
int other_words( const char * text );       /* other.rs */

static int use_other( void )
{
    printf( "the other library counts %d words\n", other_words( "one two three one" ) );
    return 0;
}
#else
#define use_other() 0
#endif

#ifdef WITH_CRYPTO
#include <openssl/evp.h>
#include <sodium.h>

#define MESSAGE_BYTES 100

/* The same seal from both: ChaCha20-Poly1305, which is what netcode has inside, too. */
static int use_crypto( void )
{
    static const unsigned char key[32] = "the same 32 bytes for both", nonce[12] = "and a nonce", text[MESSAGE_BYTES];
    unsigned char sodium[MESSAGE_BYTES + 16], openssl[MESSAGE_BYTES + 16];
    unsigned long long sodium_bytes;
    int bytes, same;
    EVP_CIPHER_CTX * context = EVP_CIPHER_CTX_new();
    if ( sodium_init() < 0 || !context )
        return 1;
    crypto_aead_chacha20poly1305_ietf_encrypt( sodium, &sodium_bytes, text, MESSAGE_BYTES, NULL, 0, NULL, nonce, key );
    EVP_EncryptInit_ex( context, EVP_chacha20_poly1305(), NULL, key, nonce );
    EVP_EncryptUpdate( context, openssl, &bytes, text, MESSAGE_BYTES );
    EVP_EncryptFinal_ex( context, openssl + bytes, &bytes );
    EVP_CIPHER_CTX_ctrl( context, EVP_CTRL_AEAD_GET_TAG, 16, openssl + MESSAGE_BYTES );
    EVP_CIPHER_CTX_free( context );
    same = sodium_bytes == sizeof( openssl ) && memcmp( sodium, openssl, sizeof( openssl ) ) == 0;
    printf( same ? "libsodium and OpenSSL agree\n" : "libsodium and OpenSSL differ\n" );
    return !same;
}
#else
#define use_crypto() 0
#endif

int main( void )
{
    return use_other() + use_crypto() + game_run( "netcode beside others" );
}

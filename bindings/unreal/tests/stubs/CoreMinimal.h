// Stand-ins for the few things of the engine that the plugin uses, written after its public documentation: enough to
// parse the plugin and to run it without the engine. They prove nothing about the engine itself.
#ifndef NETCODE_UNREAL_STUBS_CORE_MINIMAL_H
#define NETCODE_UNREAL_STUBS_CORE_MINIMAL_H

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

using uint8 = std::uint8_t;
using int32 = std::int32_t;
using int64 = long long;            // as in the engine, where it is not std::int64_t
using TCHAR = wchar_t;

#define TEXT( text ) L##text
#define NETCODE_API
#define UCLASS( ... )
#define UENUM( ... )
#define UFUNCTION( ... )
#define UPROPERTY( ... )
#define THIRD_PARTY_INCLUDES_START
#define THIRD_PARTY_INCLUDES_END

// Names that the engine takes, and headers must leave alone.
#define check( expression ) static_assert( sizeof( #expression ) == 0, "the engine's check" )
#define verify( expression ) static_assert( sizeof( #expression ) == 0, "the engine's verify" )
#define ensure( expression ) static_assert( sizeof( #expression ) == 0, "the engine's ensure" )
#define PI 3.14159f

template <class T> class TArray
{
public:
    TArray() = default;
    TArray( std::initializer_list<T> list ) : items_( list ) {}
    const T * GetData() const { return items_.data(); }
    T * GetData() { return items_.data(); }
    int32 Num() const { return static_cast<int32>( items_.size() ); }
    void Reset( int32 = 0 ) { items_.clear(); }
    void Init( const T & item, int32 count ) { items_.assign( static_cast<std::size_t>( count ), item ); }
    void Append( const T * items, int32 count ) { items_.insert( items_.end(), items, items + count ); }
    T & operator[]( int32 i ) { return items_[static_cast<std::size_t>( i )]; }
    const T & operator[]( int32 i ) const { return items_[static_cast<std::size_t>( i )]; }
    bool operator==( const TArray & other ) const { return items_ == other.items_; }

private:
    std::vector<T> items_;
};

class FString
{
public:
    FString() = default;
    FString( const TCHAR * text ) : text_( text ) {}
    const TCHAR * operator*() const { return text_.c_str(); }

private:
    std::wstring text_;
};

// ASCII will do.
class FTCHARToUTF8
{
public:
    explicit FTCHARToUTF8( const TCHAR * text ) { for ( ; *text; text++ ) text_ += static_cast<char>( *text ); }
    const char * Get() const { return text_.c_str(); }

private:
    std::string text_;
};

class FUTF8ToTCHAR
{
public:
    explicit FUTF8ToTCHAR( const char * text ) { for ( ; *text; text++ ) text_ += static_cast<TCHAR>( *text ); }
    const TCHAR * Get() const { return text_.c_str(); }

private:
    std::wstring text_;
};
#define UTF8_TO_TCHAR( text ) FUTF8ToTCHAR( text ).Get()

struct FMemory
{
    static void * Memcpy( void * to, const void * from, std::size_t size ) { return std::memcpy( to, from, size ); }
};

template <class T> class TSharedPtr
{
public:
    TSharedPtr() = default;
    TSharedPtr( std::shared_ptr<T> from ) : pointer_( std::move( from ) ) {}
    bool IsValid() const { return pointer_ != nullptr; }
    T * operator->() const { return pointer_.get(); }
    void Reset() { pointer_.reset(); }

private:
    std::shared_ptr<T> pointer_;
};
template <class T, class... Arguments> TSharedPtr<T> MakeShared( Arguments &&... arguments ) { return std::make_shared<T>( std::forward<Arguments>( arguments )... ); }

// Logs are counted, for tests.
inline int32 stub_errors_logged = 0;
enum class stub_verbosity { Error, Warning, Display, Log };
struct FLogCategory {};
template <class... Arguments> void stub_log( FLogCategory &, stub_verbosity verbosity, const TCHAR *, const Arguments &... ) { stub_errors_logged += verbosity == stub_verbosity::Error ? 1 : 0; }
#define UE_LOG( category, verbosity, ... ) stub_log( category, stub_verbosity::verbosity, __VA_ARGS__ )
#define DECLARE_LOG_CATEGORY_EXTERN( name, level, all ) extern FLogCategory name
#define DEFINE_LOG_CATEGORY( name ) FLogCategory name

class UObject
{
public:
    virtual ~UObject() = default;
};

template <class... Arguments> class stub_multicast
{
public:
    template <class Object> void stub_add( Object * object, void (Object::*function)( Arguments... ) )
    {
        functions_.push_back( [object, function]( Arguments... arguments ) { ( object->*function )( arguments... ); } );
    }
    void Broadcast( Arguments... arguments ) const
    {
        const auto copy = functions_;
        for ( const auto & function : copy )
            function( arguments... );
    }

private:
    std::vector<std::function<void( Arguments... )>> functions_;
};
#define AddDynamic( object, function ) stub_add( object, function )
#define DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam( type, a, a_name ) using type = stub_multicast<a>
#define DECLARE_DYNAMIC_MULTICAST_DELEGATE_TwoParams( type, a, a_name, b, b_name ) using type = stub_multicast<a, b>
#define DECLARE_DYNAMIC_MULTICAST_DELEGATE_ThreeParams( type, a, a_name, b, b_name, c, c_name ) using type = stub_multicast<a, b, c>

#endif

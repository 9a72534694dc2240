#pragma once

#include "CoreMinimal.h"

#include <map>

class FTickerDelegate
{
public:
    template <class Object> static FTickerDelegate CreateUObject( Object * object, bool (Object::*function)( float ) )
    {
        FTickerDelegate made;
        made.call = [object, function]( float delta ) { return ( object->*function )( delta ); };
        return made;
    }
    std::function<bool( float )> call;
};

class FTSTicker
{
public:
    using FDelegateHandle = int32;
    static FTSTicker & GetCoreTicker() { static FTSTicker ticker; return ticker; }
    FDelegateHandle AddTicker( const FTickerDelegate & added ) { tickers_[++last_] = added; return last_; }
    void RemoveTicker( FDelegateHandle handle ) { tickers_.erase( handle ); }
    void Tick( float delta )
    {
        const auto copy = tickers_;
        for ( const auto & one : copy )
            if ( tickers_.count( one.first ) && !one.second.call( delta ) )
                tickers_.erase( one.first );
    }
    std::size_t stub_count() const { return tickers_.size(); }

private:
    std::map<int32, FTickerDelegate> tickers_;
    int32 last_ = 0;
};

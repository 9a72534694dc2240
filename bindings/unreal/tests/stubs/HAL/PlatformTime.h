#pragma once

// The test's clock.
inline double stub_seconds = 1000.0;
struct FPlatformTime
{
    static double Seconds() { return stub_seconds; }
};

using System;
using Netcode;

/// <summary>Runs with a library whose netcode_init fails: the first call says so, and so does each after it.</summary>
static class FailingInit
{
    static int Main()
    {
        for (int i = 0; i < 2; i++)
        {
            try
            {
                NetcodeLibrary.NewKey();
                Console.WriteLine("FAILED: netcode_init failed, and nobody was told");
                return 1;
            }
            catch (NetcodeException) { }
        }
        Console.WriteLine("ok     a library that cannot be initialised is told");
        return 0;
    }
}

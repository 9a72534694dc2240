using System;
using System.Diagnostics;
using System.Linq;
using System.Reflection;
using NUnit.Framework;

/// <summary>Runs the tests that are marked as Unity's test runner has them, one after another.</summary>
static class Runner
{
    static int Main(string[] arguments)
    {
        string filter = arguments.Length > 0 ? arguments[0] : "";
        int passed = 0, failed = 0;
        foreach (string assembly in new[] { "Netcode.Tests", "Netcode.ConsoleTests" })
        {
            foreach (Type type in Assembly.Load(assembly).GetTypes().OrderBy(type => type.Name))
            {
                foreach (MethodInfo method in type.GetMethods().Where(method => method.IsDefined(typeof(TestAttribute), false)))
                {
                    string name = type.Name + "." + method.Name;
                    if (!name.Contains(filter))
                        continue;
                    if (Run(name, type, method))
                        passed++;
                    else
                        failed++;
                }
            }
        }
        Console.WriteLine("C# tests: " + passed + " passed, " + failed + " failed");
        return passed > 0 && failed == 0 ? 0 : 1;
    }

    static bool Run(string name, Type type, MethodInfo method)
    {
        var watch = Stopwatch.StartNew();
        try
        {
            method.Invoke(Activator.CreateInstance(type), null);
            Console.WriteLine("ok     {0,-70} {1,5:0.0} s", name, watch.Elapsed.TotalSeconds);
            return true;
        }
        catch (TargetInvocationException exception)
        {
            Console.WriteLine("FAILED " + name + "\n" + exception.InnerException);
            return false;
        }
    }
}

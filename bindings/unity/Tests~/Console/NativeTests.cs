using System;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.InteropServices;
using NUnit.Framework;

namespace Netcode.Tests
{
    public sealed class NativeTests
    {
        /// <summary>The functions of the library that was loaded, as the test script found them in it.</summary>
        [Test]
        public void EveryFunctionOfTheLibraryIsThere()
        {
            string[] exported = Environment.GetEnvironmentVariable("NETCODE_EXPORTS").Split(' ');
            string[] bound = typeof(NetcodeNative).GetMethods(BindingFlags.Static | BindingFlags.Public)
                .Where(method => method.IsDefined(typeof(DllImportAttribute), false)).Select(method => method.Name).OrderBy(name => name, StringComparer.Ordinal).ToArray();
            CollectionAssert.AreEqual(exported, bound);
            Assert.IsTrue(bound.Length > 50, "functions: " + bound.Length);
            foreach (string name in bound)
                Marshal.Prelink(typeof(NetcodeNative).GetMethod(name));
        }

        [Test]
        public void StaticCallbacksAreMarkedForCompilersAheadOfTime()
        {
            var unmarked = typeof(NetcodeLibrary).Assembly.GetTypes()
                .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                .Where(method => method.Name.StartsWith("On"))
                .Where(method => method.GetCustomAttributes(false).All(attribute => attribute.GetType().Name != "MonoPInvokeCallbackAttribute"))
                .Select(method => method.Name);
            CollectionAssert.AreEqual(new string[0], unmarked);
        }
    }
}

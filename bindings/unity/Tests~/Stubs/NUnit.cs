// What the tests use of NUnit, which comes with Unity.
using System;
using System.Collections;
using System.Linq;

namespace NUnit.Framework
{
    [AttributeUsage(AttributeTargets.Method)]
    public sealed class TestAttribute : Attribute { }

    public sealed class AssertionException : Exception
    {
        public AssertionException(string message) : base(message) { }
    }

    public delegate void TestDelegate();

    public static class Assert
    {
        public static void Fail(string message) { throw new AssertionException(message); }

        public static void IsTrue(bool condition, string message = "should be true")
        {
            if (!condition)
                Fail(message);
        }

        public static void IsFalse(bool condition, string message = "should be false") => IsTrue(!condition, message);

        public static void AreEqual(object expected, object actual)
        {
            if (!Equals(expected, actual))
                Fail("expected " + expected + ", but was " + actual);
        }

        public static T Throws<T>(TestDelegate code) where T : Exception
        {
            try
            {
                code();
            }
            catch (Exception exception) when (!(exception is AssertionException))
            {
                if (exception.GetType() == typeof(T))
                    return (T)exception;
                Fail("expected " + typeof(T).Name + ", but was " + exception);
            }
            throw new AssertionException("expected " + typeof(T).Name + ", but there was no exception");
        }
    }

    public static class CollectionAssert
    {
        public static void AreEqual(IEnumerable expected, IEnumerable actual)
        {
            if (!expected.Cast<object>().SequenceEqual(actual.Cast<object>()))
                Assert.Fail("expected " + Text(expected) + ", but was " + Text(actual));
        }

        public static void AreNotEqual(IEnumerable expected, IEnumerable actual)
        {
            if (expected.Cast<object>().SequenceEqual(actual.Cast<object>()))
                Assert.Fail("both are " + Text(expected));
        }

        static string Text(IEnumerable items) => "[" + string.Join(", ", items.Cast<object>()) + "]";
    }

    public static class StringAssert
    {
        public static void Contains(string expected, string actual)
        {
            if (!actual.Contains(expected))
                Assert.Fail("no \"" + expected + "\" in \"" + actual + "\"");
        }
    }
}

using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Netcode.NGO")]
[assembly: InternalsVisibleTo("Netcode.Mirror")]
[assembly: InternalsVisibleTo("Netcode.Tests")]

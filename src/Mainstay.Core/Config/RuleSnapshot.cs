using System.Collections.Immutable;
using Mainstay.Core.Net;

namespace Mainstay.Core.Config;

/// <summary>How a map compares what it is asked with its keys.</summary>
public enum MapKind
{
    Exact,

    /// <summary>The longest key that the text begins with.</summary>
    Prefix,

    /// <summary>A host, or the nearest "*." domain above it.</summary>
    Host,
}

/// <summary>Keys and values in a file.</summary>
/// <param name="File">Absolute path.</param>
public sealed record MapSnapshot(string Name, string File, MapKind Kind);

/// <param name="File">Absolute path; empty = only what is written in the configuration.</param>
public sealed record AddressListSnapshot(string Name, string File, ImmutableArray<AddressRange> Ranges);

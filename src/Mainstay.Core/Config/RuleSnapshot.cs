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

/// <summary>What is changed in a message's headers, in this order: renamed, removed, set, added.</summary>
public sealed record HeaderEditsSnapshot
{
    public static readonly HeaderEditsSnapshot None = new();

    public ImmutableArray<HeaderRename> Rename { get; init; } = [];
    public ImmutableArray<string> Remove { get; init; } = [];

    /// <summary>In place of all fields of that name; an empty value sends none.</summary>
    public ImmutableArray<NamedTemplate> Set { get; init; } = [];

    /// <summary>Beside fields of that name.</summary>
    public ImmutableArray<NamedTemplate> Add { get; init; } = [];

    public bool IsEmpty => Rename.IsEmpty && Remove.IsEmpty && Set.IsEmpty && Add.IsEmpty;
}

public sealed record HeaderRename(string From, string To);

/// <summary>How a request's target is changed on its way to the server.</summary>
public sealed record RewriteSnapshot
{
    /// <summary>Taken off the path where it begins with it, at a segment's border; empty = nothing.</summary>
    public string StripPrefix { get; init; } = "";

    /// <summary>Put before the path; empty = nothing.</summary>
    public string AddPrefix { get; init; } = "";

    /// <summary>A template that stands in place of the path, and of the query where it has one; empty = none.</summary>
    public string Path { get; init; } = "";

    /// <summary>Regular expressions (names) and templates: the first that matches the path does what <see cref="Path"/> does.</summary>
    public ImmutableArray<NamedTemplate> Replace { get; init; } = [];

    public ImmutableArray<string> QueryRemove { get; init; } = [];
    public ImmutableArray<NamedTemplate> QuerySet { get; init; } = [];
    public ImmutableArray<NamedTemplate> QueryAdd { get; init; } = [];

    /// <summary>Template of the Host that the server gets; empty = as received.</summary>
    public string Host { get; init; } = "";
}

/// <summary>From where a route may be used: not from what is denied, and where something is allowed, only from there.</summary>
public sealed record RouteAccessSnapshot
{
    public ImmutableArray<AddressRange> Allow { get; init; } = [];

    /// <summary>Names of address lists.</summary>
    public ImmutableArray<string> AllowLists { get; init; } = [];
    public ImmutableArray<AddressRange> Deny { get; init; } = [];
    public ImmutableArray<string> DenyLists { get; init; } = [];
}

/// <summary>Times of a route that count in place of its pool's; null = the pool's.</summary>
public sealed record RouteTimeouts(TimeSpan? Connect = null, TimeSpan? FirstByte = null, TimeSpan? Idle = null, TimeSpan? Total = null);

/// <summary>Limits of a route that count in place of its service's; null = the service's.</summary>
/// <param name="Body">0 = no limit.</param>
public sealed record RouteLimits(int? Head = null, long? Body = null);

/// <summary>The body of an error response in place of our own.</summary>
/// <param name="Status">404, or the class 4 or 5 for all of them that have no page of their own.</param>
public sealed record ErrorPage(int Status, string Body, string ContentType);

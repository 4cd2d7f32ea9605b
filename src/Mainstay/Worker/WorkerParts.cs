using Mainstay.Core.Config;
using Mainstay.Engine.Control;

namespace Mainstay.Worker;

/// <summary>What a configuration file became: a snapshot, or every error as <c>file:line:column: message</c>.</summary>
public sealed record CompiledConfiguration(Snapshot? Snapshot, IReadOnlyList<string> Errors);

/// <summary>What the planes of a worker are made with.</summary>
/// <param name="Start">The first configuration: what cannot change while the worker lives is taken from it.</param>
public sealed record PlaneContext(Snapshot Start, OperatorLog Log);

/// <summary>What a worker is made of.</summary>
/// <param name="Compile">From a file's text; the path is for messages.</param>
/// <param name="CreatePlanes">In the order in which they are published: checks first.</param>
public sealed record WorkerParts(
    Func<string, string, CompiledConfiguration> Compile, Func<PlaneContext, IReadOnlyList<IPlane>> CreatePlanes);

using Mainstay.Admin;
using Mainstay.Core.Config;
using Mainstay.Engine.Control;
using Mainstay.Engine.Shards;

namespace Mainstay.Worker;

/// <summary>What a configuration file became: a snapshot, or every error as <c>file:line:column: message</c>.</summary>
/// <param name="Warnings">What is allowed but probably not meant, in the same form.</param>
public sealed record CompiledConfiguration(Snapshot? Snapshot, IReadOnlyList<string> Errors, IReadOnlyList<string> Warnings);

/// <summary>What the planes of a worker are made with.</summary>
/// <param name="Start">The first configuration: what cannot change while the worker lives is taken from it.</param>
/// <param name="Reload">Brings the configuration file as it is now into force.</param>
/// <param name="Files">Opens what the worker's user may not read.</param>
/// <param name="Loop">The loop that also reads the keeper's link: for short errands only.</param>
/// <param name="Handover">Whether a second worker is taking over.</param>
public sealed record PlaneContext(Snapshot Start, OperatorLog Log, Func<Task<ReloadOutcome>> Reload, EventLoop Loop, Handover Handover, IFileSource Files);

/// <summary>What a worker is made of.</summary>
/// <param name="Compile">From a file's bytes; the path is for messages and for what the file names relative to itself.</param>
/// <param name="OpenWhilePrivileged">Takes what needs the keeper's rights and is kept: called before they are given up.</param>
/// <param name="CreatePlanes">In the order in which they are published: checks first.</param>
public sealed record WorkerParts(
    Func<string, ReadOnlyMemory<byte>, CompiledConfiguration> Compile,
    Action OpenWhilePrivileged,
    Func<PlaneContext, IReadOnlyList<IPlane>> CreatePlanes);

using Mainstay.Core.Config;

namespace Mainstay.Engine.Control;

/// <summary>
/// One part of the worker that follows the configuration: the HTTP plane, the checks. The control side calls these members one at a
/// time, never two at once, in this order: <see cref="PrepareAsync"/>, then <see cref="PublishAsync"/> or <see cref="Abandon"/>, any number of
/// times; at the end <see cref="DrainAsync"/>. <see cref="IsAlive"/> is asked from another thread at any time.
/// </summary>
public interface IPlane
{
    /// <summary>
    /// Does everything about the next configuration that can fail (open listeners, load files, resolve names), visible to nobody yet.
    /// All errors, one line each, naming the object and the remedy; empty = prepared.
    /// </summary>
    Task<IReadOnlyList<string>> PrepareAsync(Snapshot next, IListenerSource listeners, CancellationToken cancel);

    /// <summary>
    /// Puts what was prepared in force. Cannot fail. The planes are published in order, checks first: a plane completes when those
    /// after it may rely on it (new servers have had their first check or its timeout), at once when <paramref name="hurry"/> is cancelled.
    /// </summary>
    Task PublishAsync(CancellationToken hurry);

    /// <summary>Lets go of what was prepared, because this or another plane has errors.</summary>
    void Abandon();

    /// <summary>
    /// Takes no new work and completes when the existing work has ended, at the latest after <paramref name="timeout"/>, when what is
    /// left is cut. What is still queued in the listening sockets is taken before they are closed.
    /// </summary>
    Task DrainAsync(TimeSpan timeout);

    /// <summary>Every thread of the plane has moved on since the last question. False again and again: the worker is replaced.</summary>
    bool IsAlive { get; }
}

using Mainstay.Core;
using Mainstay.Linux;

namespace Mainstay.Engine.Shards;

/// <summary>
/// What owns one descriptor of an event loop: a listener, a client, a server connection, a datagram socket. It has one timer of its
/// own. Used by the loop's thread only.
/// </summary>
public abstract class Channel : TimerNode
{
    /// <summary>Number of this channel in its loop's table; -1 while it is not registered.</summary>
    internal int Index = -1;

    /// <summary>The open descriptor, or -1. The channel owns it.</summary>
    public int Descriptor { get; protected set; } = -1;

    /// <summary>
    /// Told of its events before the others of the same batch: something that waits to be used, and must not be when it has come to
    /// an end.
    /// </summary>
    internal bool GoesFirst;

    /// <summary>The descriptor is ready. Edge-triggered unless registered otherwise: act until EAGAIN or remember to.</summary>
    public abstract void OnReady(IoEvents events);

    /// <summary>The turn that was asked for by <see cref="EventLoop.RunSoon"/>.</summary>
    public virtual void OnTurn()
    {
    }

    public override void OnDeadline(Instant now)
    {
    }

    /// <summary>What knows no better way loses its descriptor.</summary>
    public override void OnFault() => IsForgotten = true;

    /// <summary>The loop closes its descriptor after a fault.</summary>
    internal bool IsForgotten;

    /// <summary>Already in the loop's ready list.</summary>
    internal bool IsQueued;
}

using Mainstay.Core.Health;

namespace Mainstay.Engine.Control;

/// <summary>Takes the operator's orders about servers; they hold until another one, over reloads and restarts.</summary>
public interface IServerOrders
{
    /// <param name="order"><see cref="ServerOrder.None"/> = enable: the checks decide again.</param>
    /// <param name="reason">For the status and the log.</param>
    Task<OrderResult> OrderAsync(string pool, string server, ServerOrder order, string reason);
}

public enum OrderResult
{
    Done,
    NoSuchPool,
    NoSuchServer,
}

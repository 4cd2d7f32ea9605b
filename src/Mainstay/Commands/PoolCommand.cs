using Mainstay.Admin;
using Mainstay.Engine.Control;

namespace Mainstay.Commands;

/// <summary><c>mainstay pool drain|enable|maintenance POOL SERVER</c>: the operator's orders about one server.</summary>
internal static class PoolCommand
{
    public static int Run(string socket, string verb, string pool, string server, string reason, TextWriter output, TextWriter error)
    {
        using var client = new AdminClient(socket);
        string target = $"api/pools/{Uri.EscapeDataString(pool)}/servers/{Uri.EscapeDataString(server)}/{verb}";
        ServerStatus? status = client.Post(target, reason, AdminJson.Default.ServerStatus, out string refusal);
        if (status is null)
        {
            error.WriteLine($"mainstay: {OperatorLog.Escape(refusal)}");
            return ExitCode.No;
        }

        output.WriteLine($"{pool}/{server}: {status.State}");
        return ExitCode.Done;
    }
}

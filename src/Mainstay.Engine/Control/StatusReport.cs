namespace Mainstay.Engine.Control;

/// <summary>What `mainstay status` and the API show: one moment of the worker, filled in by every <see cref="IStatusSource"/>.</summary>
public sealed class StatusReport
{
    public required string Node { get; init; }
    public required string Version { get; init; }

    /// <summary>How often a configuration was put in force in this worker, from 1.</summary>
    public required long Configuration { get; init; }

    public required int WorkerPid { get; init; }

    /// <summary>Seconds since this worker began to serve.</summary>
    public required double UptimeSeconds { get; init; }

    /// <summary>In configuration order.</summary>
    public required IReadOnlyList<PoolStatus> Pools { get; init; }

    /// <summary>In configuration order.</summary>
    public required IReadOnlyList<HttpStatus> Http { get; init; }

    /// <summary>In configuration order.</summary>
    public IReadOnlyList<TcpStatus> Tcp { get; init; } = [];

    /// <summary>The server of that name, or null. For sources that report by name.</summary>
    public ServerStatus? FindServer(string pool, string server)
    {
        foreach (PoolStatus candidate in Pools)
        {
            if (candidate.Name != pool) continue;
            foreach (ServerStatus member in candidate.Servers)
            {
                if (member.Name == server) return member;
            }
        }

        return null;
    }
}

public sealed class PoolStatus
{
    public required string Name { get; init; }
    public required string Balance { get; init; }

    /// <summary>Which servers take new work: <c>primary</c>, <c>backup</c>, <c>panic</c> or <c>none</c>.</summary>
    public string Tier { get; set; } = "";

    public required IReadOnlyList<ServerStatus> Servers { get; init; }
}

public sealed class ServerStatus
{
    public required string Name { get; init; }
    public required string Address { get; init; }
    public required bool Backup { get; init; }
    public required int Weight { get; init; }

    /// <summary><c>unknown</c>, <c>up</c>, <c>down</c>, <c>draining</c> or <c>maintenance</c>.</summary>
    public string State { get; set; } = "";

    /// <summary>Why it is in this state.</summary>
    public string Reason { get; set; } = "";

    /// <summary>How long it has been in this state.</summary>
    public double StateSeconds { get; set; }

    /// <summary>0..1: how much of the weight is in force.</summary>
    public double Share { get; set; } = 1;

    /// <summary>The last check's result; empty when none was made.</summary>
    public string LastCheck { get; set; } = "";

    /// <summary>How long the last check took; 0 when none was made.</summary>
    public double LastCheckMilliseconds { get; set; }

    public long InFlight { get; set; }
    public long IdleConnections { get; set; }

    /// <summary>Requests given to it since the worker began.</summary>
    public long Requests { get; set; }

    /// <summary>Of these, those it did not answer.</summary>
    public long Failures { get; set; }

    public double ResponseP50Milliseconds { get; set; }
    public double ResponseP99Milliseconds { get; set; }
}

public sealed class HttpStatus
{
    public required string Name { get; init; }
    public required IReadOnlyList<string> Listen { get; init; }

    /// <summary>Open client connections.</summary>
    public long Connections { get; set; }

    /// <summary>Requests answered since the worker began, by anyone.</summary>
    public long Requests { get; set; }

    /// <summary>Of these, answered with 500 or above by Mainstay itself.</summary>
    public long Failures { get; set; }
}

public sealed class TcpStatus
{
    public required string Name { get; init; }

    /// <summary><c>tcp</c> or <c>udp</c>.</summary>
    public required string Protocol { get; init; }
    public required IReadOnlyList<string> Listen { get; init; }

    /// <summary>Open connections, or sessions.</summary>
    public long Connections { get; set; }

    /// <summary>Connections accepted, or sessions begun, since the worker began.</summary>
    public long Accepted { get; set; }

    /// <summary>Of these, those that no server took, or that a server broke off.</summary>
    public long Failures { get; set; }

    /// <summary>Of connections that have ended.</summary>
    public long BytesFromClients { get; set; }
    public long BytesToClients { get; set; }
}

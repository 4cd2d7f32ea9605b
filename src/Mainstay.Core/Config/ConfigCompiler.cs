using Mainstay.Core.Config.Vocabulary;
using Mainstay.Core.Net;

namespace Mainstay.Core.Config;

/// <summary>From a configuration as written to the one that runs, or to everything that is wrong with it.</summary>
public static class ConfigCompiler
{
    public static ConfigResult Compile(ConfigNode root, ConfigEnvironment environment)
    {
        var compilation = new Compilation(environment, root.Position);
        RootSection.Section.TryRead(root, compilation, out Snapshot snapshot);
        ResolvePools(compilation);
        ResolveTls(compilation);
        if (snapshot is not null) RefuseTlsInTunnels(compilation, snapshot);
        ResolveTables(compilation, "map", "maps", compilation.Maps, compilation.MapUses);
        ResolveTables(compilation, "address list", "lists", compilation.Lists, compilation.ListUses);
        ResolveTables(compilation, "entry", "auth", compilation.Auths, compilation.AuthUses);
        CompareListeners(compilation, datagrams: false);
        CompareListeners(compilation, datagrams: true);
        return compilation.Result(snapshot);
    }

    private static void ResolvePools(Compilation compilation)
    {
        // A suggestion costs a comparison with every pool: enough of them for any file that was written by hand.
        const int MostSuggestions = 100;
        string[] known = [.. compilation.Pools.Keys];
        int unknown = 0;
        var used = new HashSet<string>();
        foreach (Mention use in compilation.PoolUses)
        {
            used.Add(use.Name);
            if (compilation.Pools.ContainsKey(use.Name)) continue;
            string hint = ++unknown <= MostSuggestions ? Suggestion.Hint(use.Name, known) : "below pools";
            compilation.Error(use, $"there is no pool {Compilation.Show(use.Name)} ({hint})");
        }

        foreach (Mention pool in compilation.Pools.Values)
        {
            if (!used.Contains(pool.Name) && !compilation.AnyPoolIsUsed) compilation.Warn(pool, $"nothing uses the pool {Compilation.Show(pool.Name)}");
        }
    }

    private static void ResolveTables(
        Compilation compilation, string kind, string section, Dictionary<string, Mention> known, List<Mention> uses)
    {
        foreach (Mention use in uses.Where(use => !known.ContainsKey(use.Name)))
            compilation.Error(use, $"there is no {kind} {Compilation.Show(use.Name)} below {section} ({Suggestion.Hint(use.Name, known.Keys)})");
        HashSet<string> used = [.. uses.Select(use => use.Name)];
        foreach (Mention unused in known.Values.Where(table => !used.Contains(table.Name)))
            compilation.Warn(unused, $"nothing uses the {kind} {Compilation.Show(unused.Name)}");
    }

    private static void RefuseTlsInTunnels(Compilation compilation, Snapshot snapshot)
    {
        HashSet<string> secured = [.. snapshot.Pools.Where(pool => pool.Tls is not null).Select(pool => pool.Name)];
        foreach (Mention use in compilation.PoolUses.Where(use => use.Path.StartsWith("tcp.", StringComparison.Ordinal) && secured.Contains(use.Name)))
            compilation.Error(use, $"pool {Compilation.Show(use.Name)} has tls, but a tcp service takes bytes as they are (a pool without tls)");
    }

    private static void ResolveTls(Compilation compilation)
    {
        string[] known = [.. compilation.TlsProfiles.Keys];
        foreach (Mention use in compilation.TlsUses.Where(use => !compilation.TlsProfiles.ContainsKey(use.Name)))
            compilation.Error(use, $"there is no TLS profile {Compilation.Show(use.Name)} ({(known.Length == 0 ? "below tls" : Suggestion.Hint(use.Name, known))})");
        HashSet<string> used = [.. compilation.TlsUses.Select(use => use.Name)];
        foreach (Mention profile in compilation.TlsProfiles.Values.Where(profile => !used.Contains(profile.Name)))
            compilation.Warn(profile, $"nothing uses the TLS profile {Compilation.Show(profile.Name)} (a listener, {{ address: ..., tls: {profile.Name} }})");
    }

    /// <summary>
    /// Two listeners conflict on the same path, or on the same port of one family when their addresses are equal or one of them is
    /// the family's "any" address. IPv6 sockets are V6ONLY, so the families never conflict.
    /// </summary>
    private static void CompareListeners(Compilation compilation, bool datagrams)
    {
        var first = new Dictionary<string, Mention>();
        var anyAddress = new Dictionary<(bool V6, int Port), Mention>();
        var onPort = new Dictionary<(bool V6, int Port), Mention>();
        foreach ((Endpoint endpoint, Mention mention) in compilation.Listeners)
        {
            if (compilation.Datagrams.Contains(mention.Node) != datagrams) continue;
            (bool, int) port = (endpoint.Address.IsV6, endpoint.Port);
            bool any = !endpoint.IsUnix && endpoint.Address.Value == 0;
            if (first.TryGetValue(endpoint.ToString(), out Mention other)
                || (!endpoint.IsUnix && (anyAddress.TryGetValue(port, out other) || (any && onPort.TryGetValue(port, out other)))))
            {
                Conflict(compilation, mention, other);
            }

            first.TryAdd(endpoint.ToString(), mention);
            if (endpoint.IsUnix) continue;
            onPort.TryAdd(port, mention);
            if (any) anyAddress.TryAdd(port, mention);
        }
    }

    /// <summary>Blames the later one, or the written one where the other is a default.</summary>
    private static void Conflict(Compilation compilation, Mention later, Mention earlier)
    {
        bool laterIsDefault = later.Node.Position.Line == 0;
        (Mention blamed, Mention holder) = laterIsDefault ? (earlier, later) : (later, earlier);
        string where = holder.Node.Position.Line == 0 ? "its default" : $"line {holder.Node.Position.Line}";
        compilation.Error(blamed, $"{blamed.Name} is taken by {holder.Path} ({holder.Name}, {where}); choose another");
    }
}

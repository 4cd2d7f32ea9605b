using System.Collections.Immutable;
using Mainstay.Core.Config.Vocabulary;

namespace Mainstay.Core.Config;

public enum ChangeKind
{
    Added,
    Removed,
    Changed,
    Moved,
}

/// <summary>One difference between two configurations.</summary>
/// <param name="Place">Where, as in error messages: "pools.app.balance.algorithm", "pools.app.servers.b".</param>
/// <param name="From">Null when added. Secrets are not shown.</param>
/// <param name="To">Null when removed. Secrets are not shown.</param>
/// <param name="Effect">What a reload makes of it, and what it keeps.</param>
public sealed record SnapshotChange(ChangeKind Kind, string Place, string? From, string? To, string Effect);

/// <summary>What a reload would change: objects are told apart by their stable names, as the planes do it.</summary>
public static class SnapshotDiff
{
    /// <summary>In the order of the new configuration; empty when both mean the same.</summary>
    public static ImmutableArray<SnapshotChange> Compare(Snapshot before, Snapshot after)
    {
        var options = new WriteOptions(new ConfigEnvironment(), Defaults: true);
        var changes = ImmutableArray.CreateBuilder<SnapshotChange>();
        var old = (MappingNode)RootSection.Section.Write(before, options);
        var current = (MappingNode)RootSection.Section.Write(after, options);
        foreach (MappingEntry entry in current.Entries)
        {
            string name = entry.Key.Text;
            ConfigNode? previous = old.Find(name);
            if (name == "pools") ByName(previous, entry.Value, name, ReloadEffect.Pool, ComparePool, changes);
            else if (name == "tls") ByName(previous, entry.Value, name, ReloadEffect.TlsProfile, CompareServer, changes);
            else if (name is "http" or "tcp") ByName(previous, entry.Value, name, ReloadEffect.Service, CompareService, changes);
            else CompareValues(previous, entry.Value, name, changes);
        }

        return changes.ToImmutable();
    }

    private static readonly string[] s_serverIds = ["name", "address", "dns", "srv"];

    private delegate void CompareMembers(MappingNode before, MappingNode after, string place, ImmutableArray<SnapshotChange>.Builder changes);

    /// <summary>Mappings whose keys are names that the user chose.</summary>
    private static void ByName(
        ConfigNode? before,
        ConfigNode? after,
        string place,
        (string Added, string Removed) effect,
        CompareMembers compare,
        ImmutableArray<SnapshotChange>.Builder changes)
    {
        (MappingNode old, MappingNode current) = ((MappingNode)before!, (MappingNode)after!);
        foreach (MappingEntry entry in current.Entries)
        {
            string here = $"{place}.{entry.Key.Text}";
            if (old.Find(entry.Key.Text) is MappingNode previous) compare(previous, (MappingNode)entry.Value, here, changes);
            else changes.Add(new SnapshotChange(ChangeKind.Added, here, null, Brief(entry.Value), effect.Added));
        }

        foreach (MappingEntry entry in old.Entries)
        {
            if (current.Find(entry.Key.Text) is null)
                changes.Add(new SnapshotChange(ChangeKind.Removed, $"{place}.{entry.Key.Text}", Brief(entry.Value), null, effect.Removed));
        }
    }

    private static void ComparePool(MappingNode before, MappingNode after, string place, ImmutableArray<SnapshotChange>.Builder changes)
    {
        foreach (string key in KeysOf(before, after))
        {
            if (key != "servers") CompareValues(before.Find(key), after.Find(key), $"{place}.{key}", changes);
        }

        var old = (SequenceNode)before.Find("servers")!;
        var current = (SequenceNode)after.Find("servers")!;
        ByName(Named(old), Named(current), $"{place}.servers", ReloadEffect.Server, CompareServer, changes);
    }

    private static void CompareServer(MappingNode before, MappingNode after, string place, ImmutableArray<SnapshotChange>.Builder changes)
    {
        foreach (string key in KeysOf(before, after)) CompareValues(before.Find(key), after.Find(key), $"{place}.{key}", changes);
    }

    private static void CompareService(MappingNode before, MappingNode after, string place, ImmutableArray<SnapshotChange>.Builder changes)
    {
        CompareListeners((SequenceNode)before.Find("listen")!, (SequenceNode)after.Find("listen")!, $"{place}.listen", changes);
        SequenceNode oldRoutes = Routes(before), currentRoutes = Routes(after);
        RouteDiff.Compare(oldRoutes, currentRoutes, $"{place}.routes", changes);
        foreach (string key in KeysOf(before, after))
        {
            if (key is not ("listen" or "routes" or "to")) CompareValues(before.Find(key), after.Find(key), $"{place}.{key}", changes);
        }
    }

    /// <summary>The rules of a service; a tcp service whose pool takes everything says so in one word.</summary>
    private static SequenceNode Routes(MappingNode service) =>
        service.Find("routes") as SequenceNode
        ?? new SequenceNode([new MappingNode([new MappingEntry(new ScalarNode("to"), service.Find("to")!)])]);

    private static void CompareListeners(
        SequenceNode before, SequenceNode after, string place, ImmutableArray<SnapshotChange>.Builder changes)
    {
        string[] old = [.. before.Items.Select(Brief)], current = [.. after.Items.Select(Brief)];
        foreach (string added in current.Except(old))
            changes.Add(new SnapshotChange(ChangeKind.Added, place, null, added, ReloadEffect.Listener.Added));
        foreach (string removed in old.Except(current))
            changes.Add(new SnapshotChange(ChangeKind.Removed, place, removed, null, ReloadEffect.Listener.Removed));
    }

    /// <summary>Settings: mappings key by key, everything else as a whole.</summary>
    private static void CompareValues(ConfigNode? before, ConfigNode? after, string place, ImmutableArray<SnapshotChange>.Builder changes)
    {
        if (before is MappingNode old && after is MappingNode current)
        {
            foreach (string key in KeysOf(old, current)) CompareValues(old.Find(key), current.Find(key), $"{place}.{key}", changes);
            return;
        }

        bool same = before is null ? after is null : after is not null && ConfigNode.ContentEquals(before, after);
        if (same) return;
        ChangeKind kind = before is null ? ChangeKind.Added : after is null ? ChangeKind.Removed : ChangeKind.Changed;
        string? from = before is null ? null : Brief(before), to = after is null ? null : Brief(after);
        changes.Add(new SnapshotChange(kind, place, from, to, ReloadEffect.OfSetting(place)));
    }

    private static IEnumerable<string> KeysOf(MappingNode before, MappingNode after) =>
        after.Entries.Concat(before.Entries).Select(e => e.Key.Text).Distinct();

    /// <summary>Servers by their name, or by where they are where they have none.</summary>
    private static MappingNode Named(SequenceNode list) => new(
        [.. list.Items.Cast<MappingNode>().Select(item => new MappingEntry((ScalarNode)s_serverIds.Select(item.Find).First(id => id is not null)!, item))]);

    /// <summary>Servers and listeners by their address, the rest on one line.</summary>
    private static string Brief(ConfigNode node) =>
        node is MappingNode mapping && mapping.Find("address") is ScalarNode address
            ? address.Text
            : node is ScalarNode { IsSecret: false } scalar ? scalar.Text : YamlText.OneLine(node, hideSecrets: true);
}

/// <summary>Routes of one service. A route with a name is known by it, one without by what it says.</summary>
internal static class RouteDiff
{
    public static void Compare(SequenceNode before, SequenceNode after, string place, ImmutableArray<SnapshotChange>.Builder changes)
    {
        (string Id, string Text)[] old = Identify(before), current = Identify(after);
        Dictionary<string, string> oldTexts = old.ToDictionary(r => r.Id, r => r.Text);
        HashSet<string> currentIds = [.. current.Select(r => r.Id)];
        for (int i = 0; i < current.Length; i++)
        {
            string here = $"{place}.{i + 1}";
            if (!oldTexts.TryGetValue(current[i].Id, out string? text))
                changes.Add(new SnapshotChange(ChangeKind.Added, here, null, current[i].Text, ReloadEffect.Route));
            else if (text != current[i].Text)
                changes.Add(new SnapshotChange(ChangeKind.Changed, here, text, current[i].Text, ReloadEffect.Route));
        }

        for (int i = 0; i < old.Length; i++)
        {
            if (!currentIds.Contains(old[i].Id))
                changes.Add(new SnapshotChange(ChangeKind.Removed, $"{place}.{i + 1}", old[i].Text, null, ReloadEffect.Route));
        }

        IEnumerable<string> keptBefore = old.Select(r => r.Id).Where(currentIds.Contains);
        IEnumerable<string> keptAfter = current.Select(r => r.Id).Where(oldTexts.ContainsKey);
        if (!keptBefore.SequenceEqual(keptAfter))
            changes.Add(new SnapshotChange(ChangeKind.Moved, place, null, null, "rules are tried in another order; " + ReloadEffect.Route));
    }

    /// <summary>Equal routes without a name are numbered, so that every id occurs once.</summary>
    private static (string Id, string Text)[] Identify(SequenceNode routes)
    {
        var seen = new Dictionary<string, int>();
        var identified = new (string Id, string Text)[routes.Items.Length];
        for (int i = 0; i < identified.Length; i++)
        {
            string text = YamlText.OneLine(routes.Items[i], hideSecrets: true);
            string id = ((MappingNode)routes.Items[i]).Find("name") is ScalarNode name ? $"name {name.Text}" : $"rule {text}";
            seen[id] = seen.GetValueOrDefault(id) + 1;
            identified[i] = (seen[id] == 1 ? id : $"{id} #{seen[id]}", text);
        }

        return identified;
    }
}

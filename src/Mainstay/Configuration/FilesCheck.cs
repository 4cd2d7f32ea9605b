using Mainstay.Core.Config;
using Mainstay.Linux.Compression;

namespace Mainstay.Configuration;

/// <summary>What files routes and compression need of this machine. Nothing here keeps from starting: a disk may be mounted later.</summary>
internal static class FilesCheck
{
    public static void Inspect(Snapshot snapshot, List<MachineFinding> findings)
    {
        foreach (HttpSnapshot service in snapshot.Http)
        {
            for (int i = 0; i < service.Routes.Length; i++)
            {
                string place = $"http.{service.Name}.routes.{i + 1}";
                if (service.Routes[i].Action is RouteAction.ServeFiles action) InspectRoot(action.Files, $"{place}.files", findings);
                if (service.Routes[i].Compress is { } own) InspectCompression(own, $"{place}.compress", findings);
            }

            InspectCompression(service.Compress, $"http.{service.Name}.compress", findings);
        }
    }

    private static void InspectRoot(FilesSnapshot files, string place, List<MachineFinding> findings)
    {
        if (File.Exists(files.Root)) findings.Add(new(place, $"{files.Root} is a file, not a directory: every request is answered 404", IsError: false));
        else if (!Directory.Exists(files.Root)) findings.Add(new(place, $"there is no directory {files.Root}: every request is answered 404", IsError: false));
        foreach ((string key, string name) in new[] { ("try", files.Try), ("not-found", files.NotFound) })
        {
            if (name.Length > 0 && Directory.Exists(files.Root) && !File.Exists(files.Root + name))
                findings.Add(new($"{place}.{key}", $"there is no file {files.Root}{name}", IsError: false));
        }
    }

    private static void InspectCompression(CompressSnapshot compress, string place, List<MachineFinding> findings)
    {
        if (compress.Enabled && compress.Gzip > 0 && !GzipEncoder.IsAvailable)
            findings.Add(new(place, "zlib (libz.so.1) is missing: nothing is compressed by gzip (install zlib1g)", IsError: false));
    }
}

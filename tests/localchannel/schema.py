"""The part of prefix.dev's GraphQL schema that a publisher has a use for."""

# Field names, types and nullability are prefix.dev's.
SDL = """
scalar DateTime

type Query {
  channel(name: String!): Channel
  variant(
    channelName: String!, packageName: String!, platformName: String!, fileName: String!
  ): PackageVariant
  viewer: User
  planAndUsage: PlanAndSubscription!
}

type Channel {
  name: String!
  channelPath: String!
  isPublic: Boolean!
  description: String
  createdAt: DateTime!
  baseUrl: String!
  owner: Owner
  size: Int!
  allowV3Uploads: Boolean!
}

type ChannelPageResult {
  page: [Channel!]!
  current: Int!
  pages: Int!
  totalCount: Int!
}

type PackageVariant {
  filename: String!
  buildString: String!
  buildNumber: Int!
  license: String
  createdAt: DateTime
  updatedAt: DateTime
  version: String!
  platform: String!
  size: Int
  md5: String
  sha256: String
  yankedReason: String
  hidden: Boolean!
  attestationsUrl: String!
  isDownloadBlocked: Boolean!
  activeQuarantines: [PublicQuarantine!]!
}

type PublicQuarantine {
  action: QuarantineAction!
  reason: String!
}

enum QuarantineAction { YANK DELETE }

interface Owner {
  name: String!
}

type User implements Owner {
  name: String!
  login: String!
  channels(limit: Int, page: Int): ChannelPageResult!
}

type PlanAndSubscription {
  usage: Usages!
}

type Usages {
  stats: [Usage!]!
}

type Usage {
  entityType: LimitEntityType!
  scope: VisibilityType
  used: Int!
  limit: Int
}

enum LimitEntityType { STORAGE CHANNELS MEMBERS PACKAGE_SIZE BILLED_GROUPS GROUP_MEMBERS }

enum VisibilityType { PUBLIC PRIVATE }
"""
